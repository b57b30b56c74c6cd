/* The page of `doorstep try`: whose phone this is, which phone is used, the tabs of a narrow screen, and the light. */

import "./cards.js";

const NARROW = matchMedia("(max-width: 52rem)");
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

let told = "";
let used = "";

const stands = () => [...document.querySelectorAll(".stand")];
const tabs = () => [...document.querySelectorAll(".tab")];
const tabOf = (stand) => document.getElementById(`tab-${stand.dataset.phone}`);
const standOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

document.addEventListener("doorstep:changed", async (event) => {
  const stand = event.target.closest(".stand");
  const seen = stand?.contains(document.activeElement) || (NARROW.matches && stand?.classList.contains("chosen"));
  if (event.detail?.news && stand && !seen) news(stand, true);
  if (!window.clientId || told === window.clientId) return;
  const answer = await fetch("console/here", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ page: window.clientId }),
  }).catch(() => null);
  if (answer?.ok) told = window.clientId;
});

// --- which phone is used ------------------------------------------------------------------------------------------

for (const what of ["focusin", "pointerdown"])
  document.addEventListener(what, (event) => {
    const stand = event.target.closest?.(".stand");
    if (stand) use(stand);
  });

function use(stand) {
  news(stand, false);
  const phone = stand.dataset.phone;
  if (phone === used) return;
  used = phone;
  window.emitEvent?.("doorstep_used", phone);
}

/** Something came on a phone that nobody is looking at. */
function news(stand, there) {
  const unseen = there && !stand.classList.contains("chosen");
  tabOf(stand)?.classList.toggle("news", unseen);
  if (unseen) tabOf(stand).setAttribute("aria-description", "something new");
  else tabOf(stand)?.removeAttribute("aria-description");
  stand.firstElementChild?.toggleAttribute("news", there);
}

// --- one phone at a time, where there is no room for three ----------------------------------------------------------

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.(".tab");
  if (tab) choose(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.(".tab");
  const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  if (!tab || !(event.key in steps)) return;
  event.preventDefault();
  const all = tabs();
  const step = document.dir === "rtl" ? -steps[event.key] : steps[event.key];
  const place = Number.isFinite(step) ? (all.indexOf(tab) + step + all.length) % all.length : step < 0 ? 0 : all.length - 1;
  choose(all[place]);
  all[place].focus();
});

function choose(tab) {
  for (const each of tabs()) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    standOf(each).classList.toggle("chosen", chosen);
  }
  use(standOf(tab));
}

function roles() {
  for (const stand of stands()) {
    if (NARROW.matches) {
      stand.setAttribute("role", "tabpanel");
      stand.setAttribute("aria-labelledby", tabOf(stand).id);
    } else {
      stand.removeAttribute("role");
      stand.removeAttribute("aria-labelledby");
    }
  }
}

NARROW.addEventListener("change", roles);
const waiting = setInterval(() => {
  if (!tabs().length) return;
  clearInterval(waiting);
  roles();
}, 100);

// --- beginning anew --------------------------------------------------------------------------------------------------

window.doorstepAsk = () => document.querySelector("dialog.ask").showModal();

/** What waits to be sent belongs to the trial that is forgotten. */
window.doorstepAnew = () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith("doorstep:")) localStorage.removeItem(key);
};

// --- the light -------------------------------------------------------------------------------------------------------

/** Lights one state of the picture on show, and brings it into sight without moving the page. */
window.doorstepLight = (state) => {
  const frame = document.querySelector(".picture");
  let lit = null;
  for (const node of frame?.querySelectorAll(".ds-state") ?? []) {
    const present = node.dataset.state === state;
    node.classList.toggle("ds-present", present);
    node.toggleAttribute("aria-current", present);
    if (present) lit = node;
  }
  if (!lit) return;
  const [box, view] = [lit.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollBy({
    left: box.left + box.width / 2 - view.left - view.width / 2,
    top: box.top + box.height / 2 - view.top - view.height / 2,
    behavior: CALM.matches ? "auto" : "smooth",
  });
};
