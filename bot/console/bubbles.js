/* How one message looks. Text only ever becomes a text node: nothing a person or a flow wrote can become a page. */

const BOLD = /(?<![\p{L}\p{N}*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\p{L}\p{N}*])/gu;

export function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function write(node, text) {
  node.replaceChildren();
  let end = 0;
  for (const match of text.matchAll(BOLD)) {
    node.append(text.slice(end, match.index), element("strong", "", match[1]));
    end = match.index + match[0].length;
  }
  node.append(text.slice(end));
}

/** One line of the log. `line.picked` are the choices that are ticked; buttons start as plain chips. */
export function bubble(line) {
  const row = element("div", `row ${line.mine ? "mine" : "theirs"}`);
  row.append(element("span", "unseen", line.mine ? "You: " : "Bot: "), element("div", "bubble"));
  return fill(row, line);
}

export function fill(row, line) {
  const text = row.querySelector(".bubble");
  text.dir = "auto";
  write(text, line.text);
  row.line = line;
  row.querySelector(".attached")?.remove();
  if (line.attached) row.append(attachment(line.attached));
  row.querySelector(".choices")?.remove();
  if (!line.mine && line.choices?.length) row.append(chips(line));
  return row;
}

/** A file to keep, or a picture to show somebody. */
function attachment({ kind, href, label }) {
  if (kind === "qr") return Object.assign(element("img", "attached"), { src: href, alt: label, width: 200, height: 200 });
  if (kind === "picture") return Object.assign(element("img", "attached"), { src: href, alt: label });
  return Object.assign(element("a", "attached", label), { href, download: "" });
}

function chips(line) {
  const group = element("div", "choices");
  for (const choice of line.choices) group.append(chip(choice, line.picked.includes(choice.key)));
  return group;
}

function chip(choice, picked) {
  const node = element("span", "chip", choice.label);
  node.dir = "auto";
  node.choice = choice;
  node.classList.toggle("picked", picked);
  return node;
}

/** Makes a question's chips into buttons. `press(keys, label)` is called once there is an answer. */
export function activate(row, ticked, { press, tick, done }) {
  const group = row.querySelector(".choices");
  const { many } = row.line;
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", row.line.text.slice(0, 200));
  const buttons = [...group.querySelectorAll(".chip")].map((old) => toButton(old));
  if (!many) {
    for (const button of buttons) button.onclick = (event) => live(button) && press(button.choice, event);
    return;
  }
  const finish = element("button", "finish", done);
  finish.type = "button";
  const picked = () => buttons.filter((one) => one.ariaPressed === "true").map((one) => one.choice);
  const show = () => finish.setAttribute("aria-disabled", String(!picked().length));
  for (const button of buttons) {
    button.ariaPressed = String(ticked.includes(button.choice.key));
    button.onclick = () => {
      if (!live(button)) return;
      button.ariaPressed = String(button.ariaPressed !== "true");
      show();
      tick(picked().map((choice) => choice.key));
    };
  }
  finish.onclick = (event) => live(finish) && press(picked(), event);
  group.append(finish);
  show();
}

const live = (button) => button.getAttribute("aria-disabled") !== "true";

function toButton(old) {
  const button = element("button", "chip", old.choice.label);
  button.type = "button";
  button.dir = "auto";
  button.choice = old.choice;
  old.replaceWith(button);
  return button;
}

/** Makes buttons plain again. The one that has the focus stays until it loses it: nobody falls off the page. */
export function retire(row) {
  const group = row.querySelector(".choices");
  group.removeAttribute("role");
  group.removeAttribute("aria-label");
  for (const button of group.querySelectorAll("button")) {
    const plain = () => {
      if (button.choice) button.replaceWith(chip(button.choice, button.ariaPressed === "true"));
      else button.remove();
    };
    if (row.getRootNode().activeElement !== button) plain();
    else {
      button.setAttribute("aria-disabled", "true");
      button.addEventListener("blur", plain, { once: true });
    }
  }
}
