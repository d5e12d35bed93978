// The lookback windows that the analyses of journeys offer.
export const WINDOWS = ["7", "14", "28", "30"] as const
export const windowOptions = [{ value: "", label: "Window: store's default" }, ...WINDOWS.map((days) => ({ value: days, label: `${days} days before` })), { value: "lifetime", label: "Whole history" }]
/** Only what the API knows: an address may have been typed by hand. */
export const knownWindow = (given: string) => (["1", "3", "90", "lifetime", ...WINDOWS].includes(given) ? given : "")
