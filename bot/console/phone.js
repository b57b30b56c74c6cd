/* <doorstep-phone label="A newcomer" base="">: one person's chat with the bot.

   phone="buddy"   a further phone of this browser, with a visitor of its own
   who="Sam"       whose it is, beside the label
   leave           below the box stands a button that says *stop*
   closed="..."    nobody can write here yet, and this says why; taking the attribute away opens it
   Beside its own page's address, `?start=CODE` (a join link) is said once, as the first message.
*/

import { activate, bubble, element, fill, retire } from "./bubbles.js";
import { Queue } from "./queue.js";

const PAUSES = [300, 600, 1200, 2500, 5000];
const PATIENCE = 40000;
const HOPELESS = [400, 413, 422];
const AN_HOUR = 3600 * 1000;
const MOST_OPEN = 3;
const LONGEST = 40000;
const WORDS = {
  field: "Write a message",
  send: "Send",
  done: "Done",
  empty: "Say hello to begin.",
  newer: "New messages",
  sending: "Sending…",
  offline: "Waiting for the connection. Nothing you wrote is lost.",
  failed: "This message could not be sent.",
  calendar: "Add to calendar",
  qr: "A code that another phone can read",
  picture: "A picture",
  leave: "No more messages",
};
const STOP = "stop";
const STYLE = new URL("./phone.css", import.meta.url).href;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sameQuestion = (one, two) => one.question === two.question && one.conversation === two.conversation;
const CODE = /^[\w-]{1,64}$/;
const pause = (tries) => sleep(PAUSES[Math.min(tries, PAUSES.length - 1)]);

class Phone extends HTMLElement {
  static observedAttributes = ["closed", "who"];

  connectedCallback() {
    this.base = this.getAttribute("base") || "";
    this.query = this.hasAttribute("phone") ? `phone=${this.getAttribute("phone")}` : "";
    this.queue = new Queue(this.base + (this.query && `:${this.getAttribute("phone")}`));
    if (!this.shadowRoot) this.build();
    this.attributeChangedCallback();
  }

  disconnectedCallback() {
    this.alive?.abort();
    this.alive = null;
  }

  attributeChangedCallback() {
    if (!this.shadowRoot) return;
    const closed = this.getAttribute("closed") || "";
    this.owner.textContent = this.getAttribute("who") || "";
    this.log.dataset.empty = closed || this.getAttribute("empty") || WORDS.empty;
    this.form.hidden = Boolean(closed);
    this.name();
    this.shut ||= Boolean(closed);
    if (closed) this.disconnectedCallback();
    else if (!this.alive && this.isConnected) this.begin();
  }

  begin() {
    this.alive = new AbortController();
    this.rows = new Map();
    this.cursor = "";
    this.stuck = true;
    this.opened = this.seen = false;
    this.restore();
    this.run(this.alive.signal);
  }

  /** What is heard of it: all names differ where a page has several phones. */
  name() {
    const who = [this.getAttribute("label") || "Chat", this.getAttribute("who")].filter(Boolean).join(", ");
    for (const node of [this.frame, this.log]) node.setAttribute("aria-label", who);
    const field = this.hasAttribute("label") && this.query ? `${WORDS.field} as ${this.getAttribute("who") || who}` : WORDS.field;
    this.field.setAttribute("aria-label", field);
  }

  build() {
    const root = this.attachShadow({ mode: "open" });
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: STYLE });
    const title = element("h2", "name", this.getAttribute("label") || "Chat");
    this.owner = element("span", "owner");
    title.append(" ", this.owner);
    this.frame = element("section", "phone");
    this.log = element("div", "log");
    for (const [key, value] of [["role", "log"], ["aria-live", "off"], ["tabindex", "0"]]) this.log.setAttribute(key, value);
    this.newer = element("button", "newer", WORDS.newer);
    this.newer.type = "button";
    this.newer.hidden = true;
    this.newer.onclick = () => this.toEnd();
    this.log.onscroll = () => {
      // Only whoever scrolls up wants to stay there: what is added below is no wish.
      if (this.atEnd() || this.log.scrollTop < this.top) this.stuck = this.atEnd();
      this.top = this.log.scrollTop;
      if (this.stuck) this.newer.hidden = true;
    };
    this.state = element("p", "state");
    this.state.setAttribute("role", "status");
    this.form = this.writing();
    this.frame.append(title, this.log, this.newer, this.state, this.form);
    if (this.hasAttribute("leave")) this.frame.append(this.wayOut());
    root.append(style, this.frame);
    // The size of the log changes with the window and the keyboard of a telephone: the end stays in sight.
    new ResizeObserver(() => this.stuck && this.toEnd()).observe(this.log);
  }

  writing() {
    const form = element("form", "writing");
    this.field = element("textarea", "field");
    Object.assign(this.field, { rows: 1, dir: "auto", placeholder: WORDS.field, enterKeyHint: "send" });
    const send = element("button", "send", WORDS.send);
    form.append(this.field, send);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.say();
    };
    this.field.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.say();
    };
    this.field.oninput = () => this.keep({ text: this.field.value });
    return form;
  }

  /** Of use once something was said. */
  wayOut() {
    this.leave = element("button", "leave", WORDS.leave);
    Object.assign(this.leave, { type: "button", hidden: true });
    this.leave.onclick = () => this.send({ text: STOP, choice: null, question: null, conversation: null });
    return this.leave;
  }

  restore() {
    this.log.replaceChildren();
    this.field.value = this.queue.draft.text || "";
  }

  keep(changes) {
    this.queue.draft = { ...this.queue.draft, ...changes };
  }

  // --- talking to the server -------------------------------------------------------------------------------------

  async run(signal) {
    for (let tries = 0; !signal.aborted; ) {
      const status = this.opened ? await this.news() : await this.open();
      if (status === 200) {
        tries = 0;
        this.flush();
      } else if (!signal.aborted) {
        if (status === 401) this.lost();
        this.opened = false; // Opening answers at once, so the page knows when the server is back.
        this.offline = !status || status >= 500;
        this.tell();
        await pause(tries++);
      }
    }
  }

  async ask(method, path, body, enough = new AbortController()) {
    if (!this.alive) return { status: 0 };
    const gone = AbortSignal.any([this.alive.signal, enough.signal, AbortSignal.timeout(PATIENCE)]);
    const address = this.query ? `${path}${path.includes("?") ? "&" : "?"}${this.query}` : path;
    const headers = body ? { "Content-Type": "application/json" } : {};
    try {
      const answer = await fetch(this.base + address, {
        method, headers, body: body && JSON.stringify(body), signal: gone, cache: "no-store",
      });
      return { status: answer.status, data: await answer.json() };
    } catch {
      return { status: 0 };
    }
  }

  async open() {
    const { status, data } = await this.ask("POST", "/chat/open");
    if (status === 200) {
      this.take(data, !this.seen);
      this.opened = this.seen = true;
      this.follow();
    }
    return status;
  }

  /** A join link or a deep link: said once, and gone from the address bar, so that a reload does not say it again. */
  follow() {
    if (this.query) return;
    const address = new URL(location.href);
    const code = address.searchParams.get("start") || "";
    address.searchParams.delete("start");
    if (address.href !== location.href) history.replaceState(history.state, "", address);
    if (CODE.test(code)) this.send({ text: `/start ${code}`, choice: null, question: null, conversation: null });
  }

  async news() {
    while (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    this.waiting = new AbortController();
    const path = `/chat/messages?after=${encodeURIComponent(this.cursor)}`;
    const { status, data } = await this.ask("GET", path, null, this.waiting);
    if (status === 200) this.take(data, false);
    return status;
  }

  lost() {
    // Without a chat the page opens one; where even that is forbidden, the server asks for its passphrase first.
    if (!this.opened && !this.query) location.reload();
    this.opened = false;
    this.waiting?.abort();
    if (!this.query || !this.seen) return;
    // This phone is another's by now.
    this.disconnectedCallback();
    this.begin();
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    for (let tries = 0, item; this.opened && this.alive && (item = this.queue.all()[0]); ) {
      const { status } = await this.ask("POST", "/chat/messages", item);
      this.offline = !status || status >= 500;
      if (status === 200 || HOPELESS.includes(status)) {
        this.queue.remove(item);
        this.settle(this.rows.get(item.event), status);
        tries = 0;
      } else if (status === 401) this.lost();
      else await (this.tell(), pause(tries++));
      this.tell();
    }
    this.flushing = false;
  }

  settle(row, status) {
    row?.classList.add(status === 200 ? "sent" : "failed");
    // The history says where it belongs; should it never name this message, it stays where it is.
    if (row) setTimeout(() => (row.placed = true), status === 200 ? PATIENCE : 0);
  }

  tell() {
    const waits = this.queue.all().length > 0;
    clearTimeout(this.telling);
    if (this.offline) this.state.textContent = WORDS.offline;
    else if (!waits) this.state.textContent = this.log.querySelector(".failed:last-child") ? WORDS.failed : "";
    else this.telling = setTimeout(() => this.flushing && (this.state.textContent = WORDS.sending), 500);
  }

  // --- what is said ----------------------------------------------------------------------------------------------

  say() {
    const text = this.field.value.trim();
    this.field.focus();
    if (!text) return;
    this.field.value = "";
    this.keep({ text: "" });
    this.send({ text: text.slice(0, LONGEST), choice: null, question: null, conversation: null });
  }

  press(line, chosen, event) {
    const choices = [chosen].flat();
    const choice = line.many ? choices.map((one) => one.key) : chosen.key;
    const text = choices.map((one) => one.label).join(", ");
    this.keep({ ticks: null });
    this.send({ text, choice, question: line.question, conversation: line.conversation });
    if (event.detail && matchMedia("(hover: hover)").matches) this.field.focus(); // A mouse, so no keyboard pops up.
  }

  send(message) {
    const item = this.queue.add(message);
    this.show({ ...item, id: item.event, mine: true });
    this.turn();
    this.toEnd();
    this.flush();
    this.tell();
  }

  take({ messages, cursor }, first) {
    const wasAtEnd = first || this.atEnd();
    for (const line of messages) this.show(line);
    if (first) for (const item of this.queue.all()) this.show({ ...item, id: item.event, mine: true });
    this.cursor = cursor;
    this.offline = false;
    this.turn();
    this.tell();
    if (wasAtEnd) this.toEnd();
    else if (messages.length) this.newer.hidden = false;
    if (first) setTimeout(() => this.log.setAttribute("aria-live", "polite"), 100); // Old messages are not read out.
    if (!first && !messages.length) return;
    // Whatever stands in a phone that was closed until now came while somebody looked at the page.
    const news = first && !this.shut ? 0 : messages.filter((line) => !line.mine).length;
    this.shut = false;
    this.dispatchEvent(new CustomEvent("doorstep:changed", { bubbles: true, composed: true, detail: { news } }));
  }

  /** What is attached to a line, as the page can show it. */
  attached({ attach }) {
    const [, kind, about] = /^(calendar|qr|picture)(?::(.+))?$/.exec(attach || "") || [];
    const query = this.query && `?${this.query}`;
    return kind && { kind, href: `${this.base}/chat/files/${kind}/${encodeURIComponent(about || 0)}${query}`, label: WORDS[kind] };
  }

  show(line) {
    line.attached = this.attached(line);
    const known = this.rows.get(line.id) || (line.replaces && this.asked(line));
    const row = known || bubble(line);
    this.rows.set(line.id, row);
    if (known && !line.mine && known.line.id !== line.id) fill(known, line);
    if (line.mine && line.at) row.classList.add("sent");
    if (!known || (line.at && !known.placed)) this.place(row, Boolean(line.at));
    if (line.at && !row.at) this.stamp(row, new Date(line.at));
  }

  /** In the order of the history; what it does not name yet comes last. */
  place(row, placed) {
    const next = [...this.log.querySelectorAll(".row")].find((one) => !one.placed) ?? null;
    if (!placed) this.log.append(row);
    else if (next !== row) this.log.insertBefore(row, next);
    row.placed = placed;
  }

  /** The time as the server has it: the clock of a trial is not that of this machine. */
  stamp(row, at) {
    row.at = at;
    let before = row.previousElementSibling;
    while (before && !before.at) before = before.previousElementSibling;
    if (before && at - before.at < AN_HOUR) return;
    const zone = this.getAttribute("zone") || undefined;
    const format = { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZone: zone };
    row.before(element("p", "when", new Intl.DateTimeFormat(undefined, format).format(at)));
  }

  asked(asking) {
    return [...this.log.querySelectorAll(".row")].findLast(({ line }) => !line.mine && sameQuestion(line, asking));
  }

  /** What is asked and not answered yet can be pressed: of each conversation the newest question, of few of them. */
  turn() {
    const rows = [...this.log.querySelectorAll(".row")];
    if (this.leave) this.leave.hidden = !rows.length;
    const asked = rows.filter(({ line }) => !line.mine && line.question != null);
    const newest = new Map(asked.map((row) => [row.line.conversation ?? `alone ${row.line.question}`, row]));
    const unanswered = [...newest.values()].filter((row) => !isAnswered(row, rows.slice(rows.indexOf(row) + 1)));
    const latest = unanswered.sort((one, other) => rows.indexOf(one) - rows.indexOf(other)).slice(-MOST_OPEN);
    const open = latest.filter(({ line }) => line.choices.length);
    for (const row of rows) if (!open.includes(row) && row.querySelector("button:not([aria-disabled=true])")) retire(row);
    const wanted = asked.at(-1);
    this.field.inputMode = !open.includes(wanted) && wanted?.line.expect === "number" ? "decimal" : "";
    for (const row of open) if (!row.querySelector("button")) this.openUp(row);
  }

  openUp(row) {
    const { line } = row;
    const { ticks } = this.queue.draft;
    activate(row, ticks?.id === line.id ? ticks.keys : line.picked, {
      press: (choices, event) => this.press(line, choices, event),
      tick: (keys) => this.keep({ ticks: { id: line.id, keys } }),
      done: WORDS.done,
    });
  }

  atEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
  }

  toEnd() {
    this.stuck = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.newer.hidden = true;
  }
}

/** Whether a question was pressed, or was answered in words: the bot went on in its conversation after they wrote. */
function isAnswered({ line: question }, later) {
  if (later.some(({ line }) => line.mine && sameQuestion(line, question))) return true;
  const wrote = later.findIndex(({ line }) => line.mine);
  const goesOn = ({ line }) => !line.mine && line.conversation != null && line.conversation === question.conversation;
  return wrote >= 0 && later.slice(wrote).some(goesOn);
}

customElements.define("doorstep-phone", Phone);
