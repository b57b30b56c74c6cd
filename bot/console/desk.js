/* The coordinators' page: whose desk it is. */

import "./cards.js";

const A_YEAR = 365 * 24 * 3600;

/** Keeps the first name in the form, or forgets it (""); the server reads it when the page is opened. */
window.doorstepName = (form) => {
  const name = form ? form.querySelector("input").value.trim() : "";
  const path = location.pathname.replace(/[^/]*$/, "");
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = name ? A_YEAR : 0;
  document.cookie = `doorstep_coordinator=${encodeURIComponent(name)}; path=${path}; max-age=${age}; samesite=strict${secure}`;
  return name;
};
