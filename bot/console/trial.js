/* The page of `doorstep try`: tells the server whose phone this is, and moves the light in the picture. */

let told = "";

document.addEventListener("doorstep:changed", async () => {
  if (!window.clientId || told === window.clientId) return;
  const answer = await fetch("console/here", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ page: window.clientId }),
  }).catch(() => null);
  if (answer?.ok) told = window.clientId;
});

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
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  frame.scrollBy({
    left: box.left + box.width / 2 - view.left - view.width / 2,
    top: box.top + box.height / 2 - view.top - view.height / 2,
    behavior: calm ? "auto" : "smooth",
  });
};
