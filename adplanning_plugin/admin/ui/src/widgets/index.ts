// Custom elements for the host's own pages: no framework, a shadow root each, styled by a sheet that no CSP refuses.
import { OrderAttribution } from "./order-attribution"
import { PersonJourney } from "./person-journey"

if (!customElements.get("adplanning-order-attribution")) customElements.define("adplanning-order-attribution", OrderAttribution)
if (!customElements.get("adplanning-person-journey")) customElements.define("adplanning-person-journey", PersonJourney)
