/* Cards change under the hands of those who use them: nobody loses their place, or what they were just writing. */

const DRAFT = "doorstep:draft:";

const drafts = (() => {
  try {
    sessionStorage.setItem("doorstep", "");
    return sessionStorage;
  } catch {
    return null; // Private windows may forbid it: then a reload loses what was not sent, and nothing else changes.
  }
})();

const keyOf = (field) => DRAFT + field.closest(".card").getAttribute("aria-labelledby");

/** Buttons go once they were pressed: whoever pressed one stays on its card, or at the list where it was. */
let pressed = null;
let list = null;
document.addEventListener("focusin", ({ target }) => {
  pressed = target.closest?.(".card") ?? null;
  list = pressed?.closest("section") ?? null;
});

function keepPlace() {
  if (!pressed || document.activeElement !== document.body) return;
  if (pressed.isConnected) pressed.focus();
  else list?.querySelector("h2[tabindex]")?.focus({ preventScroll: true });
}

document.addEventListener("input", ({ target }) => {
  if (target.matches?.(".card .reply")) drafts?.setItem(keyOf(target), target.value);
});

/** What was being written outlives a reload; what was answered needs no draft any more. */
function keepDrafts() {
  for (const field of document.querySelectorAll(".card .reply:not([data-kept])")) {
    field.dataset.kept = "";
    field.value ||= drafts?.getItem(keyOf(field)) ?? "";
  }
  for (const card of document.querySelectorAll(".card.closed"))
    drafts?.removeItem(DRAFT + card.getAttribute("aria-labelledby"));
}

new MutationObserver(() => {
  keepPlace();
  keepDrafts();
}).observe(document.body, { childList: true, subtree: true });
