"""The methods of Slack's Web API that the stand-in has: docs.slack.dev/reference/methods."""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.bot.standins.slack_app import TRIGGER_LIVES, AppAccount
from tests.bot.standins.slack_people import Conversation
from tests.bot.standins.slack_rules import Json, Refused, blocks_of, loaded, text_of, view_of

POSTS = {"chat.postMessage", "chat.update", "chat.postEphemeral", "files.completeUploadExternal"}
"""What people see."""

TIERS: Mapping[str, int] = {
    "chat.update": 50, "chat.delete": 50, "conversations.history": 50, "conversations.replies": 50,
    "conversations.members": 100,
    "conversations.open": 50, "users.info": 100, "views.open": 100, "views.update": 100, "views.publish": 100,
    "reactions.add": 50, "auth.test": 100, "files.getUploadURLExternal": 100, "files.completeUploadExternal": 100,
}  # fmt: skip
"""Calls a minute, as each method's page has it; auth.test is of a special tier, "hundreds of requests per minute"."""

_numbers = itertools.count(1)


def _me(app: AppAccount, given: Json) -> Json:
    return {
        "url": "https://neighbours.slack.com/", "team": "Neighbours", "user": "doorstep", "team_id": app.team,
        "user_id": app.user, "bot_id": app.bot_id, "is_enterprise_install": False,
    }  # fmt: skip


def _user(app: AppAccount, given: Json) -> Json:
    person = app.people.get(str(given.get("user")))
    if person is None:
        raise Refused("user_not_found")
    told = person.as_json
    if str(given.get("include_locale", "")).lower() not in ("1", "true"):
        told.pop("locale")
    return {"user": told}


def _open(app: AppAccount, given: Json) -> Json:
    users = given.get("users") or ""
    names = [each for each in (users if isinstance(users, list) else str(users).split(",")) if each]
    if len(names) != 1 or names[0] not in app.people:
        raise Refused("user_not_found")
    person = app.people[names[0]]
    if person.deleted:
        raise Refused("user_disabled")
    if person.is_bot:
        raise Refused("cannot_dm_bot")
    return {"no_op": True, "already_open": True, "channel": {"id": app.direct(person).id}}


def _content(given: Json) -> Json:
    content: Json = {"text": text_of(given), "blocks": blocks_of(given)}
    metadata = loaded(given.get("metadata"))
    if metadata:
        if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
            raise Refused("invalid_metadata_format")
        content["metadata"] = metadata
    return content


def _post(app: AppAccount, given: Json) -> Json:
    where = app.where(given)
    thread = str(given.get("thread_ts") or "")
    if thread and thread not in where.messages:
        raise Refused("thread_not_found")
    message = {
        "type": "message", "user": app.user, "bot_id": app.bot_id, "app_id": app.id, "team": app.team,
        "ts": app.stamp(), **_content(given),
    } | ({"thread_ts": thread} if thread else {})  # fmt: skip
    where.messages[str(message["ts"])] = message
    app.event(
        {name: value for name, value in message.items() if name != "metadata"}
        | {"channel": where.id, "channel_type": where.kind, "event_ts": message["ts"]}
    )
    return {"channel": where.id, "ts": message["ts"], "message": message}


def _update(app: AppAccount, given: Json) -> Json:
    if str(given.get("channel")) in app.people:
        raise Refused("channel_not_found")  # chat.update: the id of a conversation, never of a person
    where = app.where(given)
    message = where.messages.get(str(given.get("ts")))
    if message is None:
        raise Refused("message_not_found")
    if message.get("bot_id") != app.bot_id:
        raise Refused("cant_update_message")
    before = {name: value for name, value in message.items() if not name.startswith("_")}
    content = _content({"text": message["text"]} | given)
    if "blocks" not in given and "text" not in given:
        content["blocks"] = message["blocks"]
    after = message | content | {"edited": {"user": app.bot_id, "ts": app.stamp()}}
    where.messages[str(message["ts"])] = after
    app.changed(where, before, after)
    return {"channel": where.id, "ts": message["ts"], "text": after["text"], "message": _clean(after)}


def _delete(app: AppAccount, given: Json) -> Json:
    where = app.where(given)
    if str(given.get("ts")) not in where.messages:
        raise Refused("message_not_found")
    del where.messages[str(given["ts"])]
    return {"channel": where.id, "ts": given["ts"]}


def _ephemeral(app: AppAccount, given: Json) -> Json:
    where, user = app.where(given), str(given.get("user"))
    if user not in app.people:
        raise Refused("user_not_in_channel")
    message = {"ts": app.stamp(), "bot_id": app.bot_id, **_content(given)}
    where.ephemeral.append((user, message))
    return {"message_ts": message["ts"]}


def _clean(message: Json) -> Json:
    return {name: value for name, value in message.items() if not name.startswith("_")}


def _listed(app: AppAccount, given: Json, messages: list[Json], newest_first: bool) -> Json:
    with_metadata = str(given.get("include_all_metadata", "")).lower() in ("1", "true")
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or 1e12)
    found = [_clean(each) for each in messages if oldest < float(each["ts"]) < latest]
    if newest_first:
        found.reverse()
    limit = min(int(given.get("limit") or 100), 999)
    if not with_metadata:
        found = [{name: value for name, value in each.items() if name != "metadata"} for each in found]
    return {"messages": found[:limit], "has_more": len(found) > limit, "response_metadata": {"next_cursor": ""}}


def _history(app: AppAccount, given: Json) -> Json:
    where: Conversation = app.where(given)
    above = [each for each in where.messages.values() if each.get("thread_ts", each["ts"]) == each["ts"]]
    return _listed(app, given, above, newest_first=True)


def _replies(app: AppAccount, given: Json) -> Json:
    where, thread = app.where(given), str(given.get("ts"))
    if thread not in where.messages:
        raise Refused("thread_not_found")
    inside = [each for each in where.messages.values() if thread in (each["ts"], each.get("thread_ts"))]
    return _listed(app, given, inside, newest_first=False)


def _members(app: AppAccount, given: Json) -> Json:
    """docs.slack.dev/reference/methods/conversations.members: everybody who is in it, the app's own user too."""
    where = app.where(given)
    if where.person:
        raise Refused("method_not_supported_for_channel_type")
    return {"members": [app.user, *sorted(where.members)], "response_metadata": {"next_cursor": ""}}


def _react(app: AppAccount, given: Json) -> Json:
    message = app.where(given).messages.get(str(given.get("timestamp")))
    if message is None:
        raise Refused("message_not_found")
    reactions = message.setdefault("reactions", [])
    if any(each["name"] == given.get("name") for each in reactions):
        raise Refused("already_reacted")
    reactions.append({"name": str(given.get("name")), "users": [app.user], "count": 1})
    return {}


def view_made(given: Json) -> Json:
    """A view as Slack keeps it. Raises Refused."""
    view = view_of(given)
    return view | {
        "id": f"V{next(_numbers)}", "hash": f"{time.time()}.{next(_numbers)}", "state": {"values": {}},
        "private_metadata": view.get("private_metadata", ""), "callback_id": view.get("callback_id", ""),
    }  # fmt: skip


def _trigger(app: AppAccount, given: Json) -> None:
    trigger = str(given.get("trigger_id") or given.get("interactivity_pointer") or "")
    if trigger not in app.triggers:
        raise Refused("invalid_trigger_id")
    at = app.triggers[trigger]
    app.triggers[trigger] = 0.0
    if at == 0:
        raise Refused("exchanged_trigger_id")
    if time.monotonic() - at > TRIGGER_LIVES * app.server.patience:
        raise Refused("expired_trigger_id")


def _of_trigger(app: AppAccount, given: Json) -> Any:
    asked = [payload for _, payload in app.delivered if payload.get("trigger_id") == given.get("trigger_id")]
    return app.people[asked[-1].get("user_id") or asked[-1]["user"]["id"]]


def _open_view(app: AppAccount, given: Json) -> Json:
    _trigger(app, given)
    view = view_made(given)
    _of_trigger(app, given).views = [view]
    return {"view": view}


def _push_view(app: AppAccount, given: Json) -> Json:
    _trigger(app, given)
    person, view = _of_trigger(app, given), view_made(given)
    if len(person.views) >= 3:
        raise Refused("push_limit_reached")
    person.views.append(view)
    return {"view": view}


def _update_view(app: AppAccount, given: Json) -> Json:
    view = view_made(given)
    for person in app.people.values():
        for at, old in enumerate(person.views):
            if old["id"] == given.get("view_id"):
                if given.get("hash") and given["hash"] != old["hash"]:
                    raise Refused("hash_conflict")
                person.views[at] = view | {"id": old["id"]}
                return {"view": person.views[at]}
    raise Refused("not_found")


def _publish(app: AppAccount, given: Json) -> Json:
    person = app.people.get(str(given.get("user_id")))
    if person is None:
        raise Refused("user_not_found")
    if person.home and given.get("hash") and given["hash"] != person.home["hash"]:
        raise Refused("hash_conflict")
    person.home = view_made(given)
    return {"view": person.home}


def _upload_url(app: AppAccount, given: Json) -> Json:
    length = int(given.get("length") or 0)
    if length <= 0 or not given.get("filename"):
        raise Refused("invalid_arguments")
    name = f"F{next(_numbers)}"
    app.files[name] = {"id": name, "name": given["filename"], "length": length}
    return {"upload_url": f"{app.server.origin}/upload/{name}", "file_id": name}


def _complete(app: AppAccount, given: Json) -> Json:
    files = [app.files.get(str(each["id"])) for each in loaded(given.get("files")) or []]
    if not files or any(file is None or "content" not in file for file in files):
        raise Refused("file_not_found")
    if given.get("channel_id"):
        where = app.where(given)
        message: Json = {
            "type": "message", "user": app.user, "bot_id": app.bot_id, "ts": app.stamp(), "files": files,
            "text": str(given.get("initial_comment") or ""), "blocks": blocks_of(given),
        }  # fmt: skip
        where.messages[str(message["ts"])] = message
    shown = [{name: file[name] for name in ("id", "name")} for file in files if file is not None]
    return {"files": [each | {"title": each["name"]} for each in shown]}


METHODS: Mapping[str, Callable[[AppAccount, Json], Json]] = {
    "auth.test": _me,
    "users.info": _user,
    "conversations.open": _open,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "conversations.members": _members,
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.delete": _delete,
    "chat.postEphemeral": _ephemeral,
    "reactions.add": _react,
    "views.open": _open_view,
    "views.push": _push_view,
    "views.update": _update_view,
    "views.publish": _publish,
    "files.getUploadURLExternal": _upload_url,
    "files.completeUploadExternal": _complete,
}
