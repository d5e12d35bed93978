// After a step to another page, its heading takes the focus: a screen reader reads on from there. Not on the first page.
let wanted = false

export const wantHeadingFocus = () => {
  wanted = true
}

// A page that stood over another one gives the focus back to what opened it there.
let opener: string | null = null

/** The element of the next page with this id takes the focus in place of its heading. */
export const wantFocusOf = (id: string) => {
  opener = id
}

export function takeFocusTarget(): HTMLElement | null {
  const found = opener ? document.getElementById(opener) : null
  opener = null
  return found
}

export function takeHeadingFocus(): boolean {
  const was = wanted
  wanted = false
  return was
}
