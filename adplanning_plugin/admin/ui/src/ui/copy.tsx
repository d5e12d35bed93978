// Text to take elsewhere: a key, a line of code; with a button that copies it.
import { Check, Copy } from "lucide-react"
import { useEffect, useState } from "react"
import { Button } from "./button"
import { toast } from "./toast"

/** `what` names it to whoever cannot see it: "the key". */
export function CopyText({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2500)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
    } catch {
      toast("The browser does not let this page copy: select the text and copy it yourself.", { tone: "error" })
    }
  }
  const Icon = copied ? Check : Copy
  return (
    <div className="flex items-start gap-2 rounded-md border border-line bg-bg p-2">
      <code className="min-w-0 flex-1 py-1 font-mono text-xs break-all whitespace-pre-wrap select-all">{text}</code>
      <Button small onClick={() => void copy()} aria-label={copied ? `Copied ${what}` : `Copy ${what}`}>
        <Icon className="size-3.5" aria-hidden="true" />{copied ? "Copied" : "Copy"}
      </Button>
    </div>
  )
}
