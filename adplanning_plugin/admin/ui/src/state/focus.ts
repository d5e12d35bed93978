// After a step to another page, its heading takes the focus: a screen reader reads on from there. Not on the first page.
let wanted = false

export const wantHeadingFocus = () => {
  wanted = true
}

export function takeHeadingFocus(): boolean {
  const was = wanted
  wanted = false
  return was
}
