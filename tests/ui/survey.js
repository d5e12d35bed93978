// What tests ask of a page as it stands in the browser: `adplanningSurvey.listen()`, Tab through it, `.compare()`; `.moving()`,
// `.scrollers()`, `.violations()`. It changes nothing of the page.
globalThis.adplanningSurvey = (() => {
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable=true]"
  const named = (each) =>
    `${each.tagName.toLowerCase()} ${(each.getAttribute("aria-label") || each.textContent || each.name || "").trim().slice(0, 60)}`
  const reachable = (each) =>
    each.tabIndex >= 0 && !each.disabled && !each.closest("[inert], [aria-hidden=true]") && each.checkVisibility()
  const isRinged = (each) => {
    const style = getComputedStyle(each)
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
  }
  let stops = []
  const met = []

  /** Note what is focused from now on; what Tab has to reach, and what answers to a pointer alone. */
  function listen() {
    document.activeElement?.blur()
    document.addEventListener("focusin", ({ target }) => {
      // A group gives the focus on at once, to its chosen member.
      if (document.activeElement !== target) return met.push({ target, ring: true, shown: true })
      const box = target.getBoundingClientRect()
      const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
      const around = [target, target.parentElement, target.parentElement?.parentElement].filter(Boolean)
      met.push({ target, ring: around.some(isRinged), shown: inside && box.width >= 4 && box.height >= 4 })
    })
    // Of native radio buttons of one name only the chosen one is a stop.
    stops = [...document.querySelectorAll(CONTROLS)].filter((each) => reachable(each) && !(each.type === "radio" && !each.checked))
    const isPressed = (each) => getComputedStyle(each).cursor === "pointer"
    const pressed = [...document.querySelectorAll("main *")].filter(
      (each) => isPressed(each) && !isPressed(each.parentElement) && each.checkVisibility(),
    )
    const within = `${CONTROLS}, label, [role=tab], [role=option]`
    return { stops: stops.length, deaf: pressed.filter((each) => !each.closest(within) && !each.querySelector(CONTROLS)).map(named) }
  }

  /** Controls that Tab did not reach, and those where focus could not be seen. */
  function compare() {
    const reached = new Set(met.map((each) => each.target))
    return {
      missed: stops.filter((each) => each.isConnected && !reached.has(each)).map(named),
      unseen: met.filter((each) => !each.ring || !each.shown).map((each) => `${named(each.target)}: ${each.ring ? "outside" : "no ring"}`),
    }
  }

  /** What moves although motion is not wanted. */
  const moving = () =>
    document
      .getAnimations()
      .filter((each) => each.playState === "running" && each.effect.getComputedTiming().activeDuration > 1)
      .map((each) => `${each.animationName ?? each.transitionProperty} of ${named(each.effect.target)}`)

  /** Parts of the page that have to be scrolled sideways. */
  const scrollers = () =>
    [...document.querySelectorAll("main *")]
      .filter(
        (each) =>
          each.scrollWidth > each.clientWidth + 1 &&
          ["auto", "scroll"].includes(getComputedStyle(each).overflowX) &&
          each.checkVisibility() &&
          !["PRE", "INPUT", "TEXTAREA"].includes(each.tagName),
      )
      .map(named)

  /** What axe finds, by all its rules (target size included), or by those that are named. */
  async function violations(rules) {
    const asked = rules ? { runOnly: rules } : { rules: { "target-size": { enabled: true } } }
    const found = await globalThis.axe.run(document, { resultTypes: ["violations"], ...asked })
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`)
  }

  return { listen, compare, moving, scrollers, violations }
})()
