/*
 * Tracker: page views, clicks, forms, scroll depth and time, sent in batches. It sets no cookie but the one that
 * remembers a consent answer, and keeps nothing in the browser without consent to analytics.
 *
 *   <script async src="/web/ad-planning/tracker.js" data-key="pk_..."></script>
 *   adp('consent', {analytics: true, ads: false})        the visitor's answer, from the store's own banner
 *   adp('add_to_cart', {value: '49.90', currency: 'EUR'}) an event of the store's own
 *
 * data-endpoint: where /track lies, when it is not beside the script. data-consent="server": the server knows the
 * answer (the store's own consent policy), so events need not wait for one here.
 */
(function (window, document) {
  var script = document.currentScript;
  var settings = script.dataset;
  var endpoint = settings.endpoint || script.src.replace(/\/[^/]*$/, "");
  var storage = "_adp_queue";
  var purposes = ["analytics", "ads", "personalisation", "profiling"];
  var queue = [];
  var answered = settings.consent; // somebody was asked; until then events wait in memory for the answer
  var analytics = 0;
  var consent; // the purposes answered, by name
  var mode = {}; // Google Consent Mode
  var token = ""; // the visit, signed
  var timer, path, here, previous, began, deepest;

  function now() {
    return new Date().toISOString();
  }

  // --- consent ---------------------------------------------------------------------------------------------------

  function answer(isGranted) {
    answered = 1;
    consent = {};
    var granted = purposes.filter(function (purpose) {
      return (consent[purpose] = !!isGranted(purpose));
    });
    analytics = consent.analytics;
    return granted.join(".") || "none";
  }

  function readAnswer() {
    var found = /(?:^|; )_adp_consent=([^;]*)/.exec(document.cookie);
    if (found)
      answer(function (purpose) {
        return ~found[1].indexOf(purpose);
      });
    return found;
  }

  function readMode(entry) {
    if (entry && entry[0] == "consent" && entry[2]) {
      for (var name in entry[2]) if (/storage$|^ad_/.test(name)) mode[name] = "" + entry[2][name];
      if (mode.analytics_storage && !readAnswer()) {
        analytics = mode.analytics_storage == "granted";
        // A page's default of "denied" often only means that the banner is still open.
        if (analytics || entry[1] == "update") answered = 1;
        schedule();
      }
    }
  }

  function setConsent(given) {
    document.cookie =
      "_adp_consent=" +
      answer(function (purpose) {
        return given[purpose];
      }) +
      ";path=/;max-age=15724800;samesite=lax";
    if (!analytics) forget();
    // The page before this one may have been the landing; this one's own view is still in the queue.
    var before = document.referrer;
    post("/consent", { landing: { url: before.indexOf(location.origin) ? "" : before } })
      .then(function (response) {
        return response.json();
      })
      .then(function (body) {
        // For a store on another domain than the endpoint, where our cookies do not reach.
        token = command.token = body.visitor_token || "";
        if (token) localStorage.setItem(storage + "t", token);
      })
      .then(send, send);
  }

  // --- sending ---------------------------------------------------------------------------------------------------

  function envelope(body) {
    body.key = settings.key;
    body.gpc = !!navigator.globalPrivacyControl;
    if (consent) body.consent = consent;
    if (mode.analytics_storage) body.consent_mode = mode;
    if (analytics && token) body.visitor_token = token;
    return JSON.stringify(body);
  }

  // Plain text needs no preflight; the key travels in the body.
  function post(where, body) {
    return fetch(endpoint + where, { method: "POST", body: envelope(body), credentials: "include", keepalive: true });
  }

  function keep() {
    try {
      analytics && queue.length ? localStorage.setItem(storage, JSON.stringify(queue.slice(-50))) : forget();
    } catch (_) {}
  }

  function forget() {
    try {
      localStorage.removeItem(storage);
      if (!analytics) localStorage.removeItem(storage + "t");
    } catch (_) {}
  }

  function schedule(delay) {
    timer = timer || setTimeout(send, delay || 1e3);
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!answered || !queue[0]) return;
    var batch = queue.splice(0, 50);
    post("/track", { events: batch })
      .then(function (response) {
        return response.status > 428 && Promise.reject(); // 429 and 5xx: nothing of it was stored
      })
      .then(
        function () {
          keep();
          queue[0] && schedule();
        },
        function () {
          queue = batch.concat(queue).slice(-100);
          keep();
          schedule(5e3);
        },
      );
  }

  function leave() {
    engaged();
    // Nobody says whether a beacon arrived: with consent the next page sends the same ids again, which changes nothing.
    keep();
    if (queue[0] && navigator.sendBeacon(endpoint + "/track", envelope({ events: queue.slice(0, 50) }))) {
      if (!analytics) queue = queue.slice(50);
    }
  }

  // --- events ----------------------------------------------------------------------------------------------------

  function add(name, fields, seen) {
    var event = { name: name, id: Math.random().toString(36).slice(2) + Date.now().toString(36), occurred_at: now() };
    event.url = here;
    event.referrer = previous;
    for (var field in fields) event[field] = fields[field];
    if (seen) {
      // The server has counted this page already, under this id and time.
      event.id = seen[0];
      event.occurred_at = new Date(+seen[1]).toISOString();
    }
    queue.push(event);
    schedule();
  }

  function engaged() {
    var seconds = Math.round((Date.now() - began) / 1e3);
    if (deepest) add("scroll", { scroll: deepest });
    if (seconds) add("time_on_page", { seconds: seconds });
    began = Date.now();
    deepest = 0;
  }

  function scrolled() {
    var root = document.documentElement;
    var depth = Math.round(((window.scrollY + window.innerHeight) / root.scrollHeight) * 100);
    deepest = Math.max(deepest, Math.min(100, depth || 0));
  }

  function viewed(first) {
    if (path == location.pathname + location.search) return;
    if (path) engaged();
    path = location.pathname + location.search;
    began = Date.now();
    deepest = 0;
    var timing = first && performance.getEntriesByType("navigation")[0];
    var mark = ((timing && timing.serverTiming) || []).filter(function (entry) {
      return entry.name == "adp";
    })[0];
    if (here) previous = here;
    here = location.href;
    add("page_view", {}, mark && mark.description.split("."));
  }

  function clicked(event) {
    var target = event.target.closest("[data-adp],a[href]");
    if (!target) return;
    var name = target.dataset.adp;
    var away = target.host && target.host != location.host;
    if (name || away) add(name || "click", { properties: { text: target.textContent.trim().slice(0, 80), href: away ? target.origin + target.pathname : "" } });
  }

  function submitted(event) {
    var form = event.target;
    add("form_submit", { properties: { form: form.dataset.adp || form.id || form.getAttribute("name") || "", action: form.getAttribute("action") || "" } });
  }

  // --- start -----------------------------------------------------------------------------------------------------

  function command(name, fields) {
    name == "consent" ? setConsent(fields || {}) : add(name, fields);
  }

  var waiting = (window.adp && window.adp.q) || [];
  window.adp = command;
  previous = document.referrer;
  readAnswer();
  try {
    token = command.token = localStorage.getItem(storage + "t") || "";
  } catch (_) {}
  var layer = (window.dataLayer = window.dataLayer || []);
  layer.forEach(readMode);
  var push = layer.push;
  layer.push = function () {
    [].forEach.call(arguments, readMode);
    return push.apply(layer, arguments);
  };
  if (analytics) {
    try {
      queue = JSON.parse(localStorage.getItem(storage)) || [];
    } catch (_) {}
  }
  viewed(1);
  scrolled();
  waiting.map(function (call) {
    command.apply(0, call);
  });
  ["pushState", "replaceState"].map(function (name) {
    var original = history[name];
    history[name] = function () {
      original.apply(history, arguments);
      viewed();
    };
  });
  window.addEventListener("popstate", function () {
    viewed();
  });
  document.addEventListener("click", clicked, true);
  document.addEventListener("submit", submitted, true);
  window.addEventListener("scroll", scrolled, { passive: true });
  document.addEventListener("visibilitychange", function () {
    document.visibilityState == "hidden" && leave();
  });
  window.addEventListener("pagehide", leave);
})(window, document);
