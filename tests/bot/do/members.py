"""People who sign up, bring, are there and propose in turns of a conversation: flows of one deed each, in Madrid."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.actions import PUBLISHED, Action
from storage.signups import Signup
from tests.bot.talking import Talk

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECRET = "secret 20469"
"""Of an action whose first code is 4712."""


GREETING = """
flow: greeting
starts: {first_contact: true}
start: hello
states:
  hello: {say: Hello., end: greeted}
"""
COMING = """
flow: coming
starts: {words: [join in]}
start: which
states:
  which:
    ask: Which one?
    choices_from: actions_near_me
    save: action
    on: {none: nothing}
    go: how
  how:
    ask: Will you come?
    choices: {yes: I will, maybe: Perhaps}
    save: how
    go: others
  others:
    ask: How many others come with you?
    expect: number
    save: others
    go: sign
  sign:
    do: sign_up
    with: {as: "{{ answers.how }}", bringing: "{{ answers.others }}"}
    on: {signed_up: comes, waiting_list: waits, full: full, past: past}
  comes: {say: "Come to {{ action.address }}.", end: comes}
  waits: {say: "All {{ action.going }} places are taken.", go: waiting}
  waiting: {wait: signup.place_free, go: free}
  free: {say: A place is free., go: again}
  again:
    do: sign_up
    with: {as: "{{ answers.how }}"}
    on: {signed_up: got, waiting_list: waiting, full: full, past: past}
  got: {end: got}
  full: {say: Not so many places., end: full}
  past: {say: Too late., end: past}
  nothing: {say: Nothing., end: nothing}
"""
LEAVING = """
flow: leaving
starts: {words: [stay home]}
start: which
states:
  which:
    ask: Which one?
    choices_from: my_actions
    save: action
    on: {none: gone}
    go: cancel
  cancel:
    do: cancel_sign_up
    on: {done: done, gone: gone}
  done: {say: "{{ action.going }} still come.", end: done}
  gone: {say: There is none., end: gone}
"""
BRINGING = """
flow: bringing
starts: {words: [take along]}
start: which
states:
  which:
    ask: What can you bring?
    choices_from: open_needs
    save: need
    on: {none: nothing}
    go: claim
  claim:
    do: claim_need
    with: {need: "{{ answers.need }}"}
    on: {done: sure, gone: gone}
  sure:
    ask: Thank you! Sure?
    expect: yes_no
    on: {yes: fine, no: return}
  return:
    do: return_need
    on: {done: returned, gone: gone}
  fine: {say: Fine., end: fine}
  returned: {say: Somebody else will., end: returned}
  gone: {say: Somebody else brings it., end: gone}
  nothing: {say: All is there., end: nothing}
"""
THERE = """
flow: there
starts: {words: [arrived]}
start: code
states:
  code:
    ask: What is the code?
    expect: code
    save: code
    go: in
  in:
    do: check_in
    with: {code: "{{ answers.code }}"}
    on: {checked_in: there, wrong_code: wrong, not_now: early}
  there: {say: "Good to see you, for the {{ me.attended }}. time.", end: there}
  wrong: {say: That is not it., end: wrong}
  early: {say: Not now., end: early}
"""
PROPOSING = """
flow: proposing
starts: {words: [my idea]}
start: title
states:
  title: {ask: What shall we do?, expect: text, save: title, go: day}
  day: {ask: On which day?, expect: date, save: day, go: time}
  time: {ask: When?, expect: time, save: time, go: place}
  place: {ask: Where?, expect: text, save: place, go: bring}
  bring: {ask: What should people bring?, expect: text, save: bring, go: propose}
  propose:
    do: propose_action
    with:
      title: "{{ answers.title }}"
      place: "{{ answers.place }}"
      starts: "{{ answers.day }} {{ answers.time }}"
      bring: "{{ answers.bring }}"
    on: {proposed: proposed, not_possible: no}
  proposed: {say: A coordinator looks at it., end: proposed}
  no: {say: That cannot be., end: no}
"""
INVITING = """
flow: inviting
starts: {words: [ask others]}
start: link
states:
  link: {do: invite_link, go: told}
  told: {say: "Pass this on: {{ answers.link }}", end: told}
"""
ALONE = """
flow: alone
starts: {words: [alone]}
start: which
states:
  which: {ask: Where?, choices_from: my_actions, save: action, on: {none: end}, go: sign}
  sign:
    do: sign_up
    with: {bringing: "0"}
    on: {signed_up: left, waiting_list: end, full: end, past: end}
  left: {say: "{{ action.places_left }} places left.", end: alone}
  end: {end: nothing}
"""
AGAIN = """
flow: again
starts: {words: [again]}
start: which
states:
  which: {ask: Where?, choices_from: my_actions, save: action, on: {none: end}, go: sign}
  sign: {do: sign_up, go: end}
  end: {end: again}
"""
FLOWS = {
    "alone": ALONE, "again": AGAIN,
    "greeting": GREETING, "coming": COMING, "leaving": LEAVING, "bringing": BRINGING, "there": THERE,
    "proposing": PROPOSING, "inviting": INVITING,
}  # fmt: skip


Make = Callable[[], Awaitable[Talk]]


async def action(talk: Talk, **more: Any) -> int:
    """An action on Saturday, published."""
    starts = more.pop("starts_at", NOW + 5 * DAY)
    told = {
        "title": "Clean-up", "starts_at": starts, "ends_at": starts + 2 * HOUR, "zone": "Europe/Madrid",
        "district": "Madrid", "address": "Calle Mayor 1", "secret": SECRET, "state": PUBLISHED, **more,
    }  # fmt: skip
    return await talk.store.run(lambda tx: tx.actions.add(**told))


async def says(talk: Talk, who: str, *texts: str) -> str:
    """They say these, one after the other; the last thing that the bot answers them."""
    heard: list[str] = []
    for text in texts:
        await talk.say(text, who)
        heard = await talk.hears(who)
    return heard[-1] if heard else ""


async def comes(talk: Talk, who: str, how: str = "yes", others: int = 0) -> str:
    if await talk.person(who) is None:
        await says(talk, who, "hey")
    return await says(talk, who, "join in", "1", how, str(others))


async def number_of(talk: Talk, who: str) -> int:
    person = await talk.person(who)
    assert person is not None
    return person.id


async def signup(talk: Talk, number: int, who: str) -> Signup | None:
    person_id = await number_of(talk, who)
    return await talk.store.run(lambda tx: tx.actions.signup(number, person_id))


async def found(talk: Talk, number: int) -> Action:
    action = await talk.store.run(lambda tx: tx.actions.get(number))
    assert action is not None
    return action
