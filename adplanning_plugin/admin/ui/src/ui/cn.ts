// Class names, with what is off left out.
export const cn = (...names: (string | false | null | undefined)[]) => names.filter(Boolean).join(" ")
