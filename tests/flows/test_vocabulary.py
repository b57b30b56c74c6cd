"""The vocabulary: as written in the contract, and whole in itself."""

from flows import questions, text
from flows.model import Kind
from flows.reader import STARTER, read_folder
from flows.vocabulary import (
    ACTION,
    ANYTIME,
    ATTACHMENTS,
    COUNTED,
    DEEDS,
    EXPECTS,
    FILTERS,
    HAPPENINGS,
    LISTS,
    ME,
    MEANS,
    ORG,
    PAIR,
    WHO,
    WITHOUT_CONSENT,
    pages,
)


def test_the_fields_are_those_of_the_contract() -> None:
    assert " ".join(ME) == (
        "name language channel role joined interests place times adult wants_buddy has_buddy consented meetings "
        "attended hosted trainings invited"
    )
    assert " ".join(ORG) == "name bot_name contact privacy_url time_zone message_days"
    assert " ".join(PAIR) == "other shared reasons since meetings contact away_until written"
    assert " ".join(ACTION) == (
        "title what kind campaign district address starts ends bring open_needs my_needs host going goal places_left "
        "code until_then materials coming confirmed campaign_going campaign_goal campaign_confirmed "
        "cohort session sessions sessions_left"
    )
    assert " ".join(LISTS) == (
        "actions_near_me my_actions open_needs my_needs my_trainings not_checked_in possible_times my_pairs languages"
    )


def test_lists_of_the_contract_are_lists() -> None:
    lists = [name for fields in (ME, ORG, PAIR, ACTION) for name, kind in fields.items() if kind is Kind.LIST]
    assert lists == [
        "interests",
        "times",
        "consented",
        "shared",
        "reasons",
        "bring",
        "open_needs",
        "my_needs",
        "sessions_left",
    ]


def test_what_can_be_done_and_how_it_turns_out_is_that_of_the_contract() -> None:
    outcomes = {name: " ".join(deed.outcomes) for name, deed in DEEDS.items() if deed.outcomes != ("done",)}
    assert outcomes == {
        "find_buddy": "offered nobody not_possible",
        "another_buddy": "offered nobody not_possible",
        "answer_offer": "taken gone",
        "call_gathering": "called nobody not_possible",
        "share_contact": "both waiting",
        "become_buddy": "asked already",
        "sign_up": "signed_up waiting_list full past",
        "cancel_sign_up": "done gone",
        "claim_need": "done gone",
        "return_need": "done gone",
        "check_in": "checked_in wrong_code not_now",
        "hosted_now": "found none",
        "propose_action": "proposed not_possible",
        "nearest_action": "found none",
    }
    assert " ".join(name for name, deed in DEEDS.items() if deed.outcomes == ("done",)) == (
        "record_consent withdraw_consent met end_pair set_away step_down mark_came was_there invite_link phone_code "
        "tell_coordinators hand_over report set_language resume stop forget_me export_me"
    )
    assert DEEDS["invite_link"].answers == {"link": Kind.TEXT}
    assert DEEDS["phone_code"].answers == {"code": Kind.TEXT}


def test_the_happenings_are_those_of_the_contract() -> None:
    assert " ".join(HAPPENINGS) == (
        "person.joined person.quiet buddy.approved pair.offered pair.declined pair.introduced pair.silent pair.away "
        "pair.shared pair.met pair.ended pair.wrong gathering.wanted gathering.called action.published action.changed "
        "action.cancelled action.start action.end "
        "signup.made signup.place_free signup.cancelled checkin.made human.replied"
    )
    assert " ".join(WHO) == "signed_up maybe attended missed host buddy supporter both nearby"


def test_every_filter_is_there_and_every_kind_of_answer_can_be_read() -> None:
    assert set(FILTERS) == set(text._FILTERS) == {"date", "time", "when", "list", "count", "upper", "lower"}
    assert set(EXPECTS) == set(questions._READERS) == set(questions._EXPLAINED)


def test_what_is_kept_without_consent_can_be_saved() -> None:
    assert set(ME) > WITHOUT_CONSENT
    assert set(ME) > COUNTED
    assert not WITHOUT_CONSENT & COUNTED


def test_every_word_of_always_is_built_in() -> None:
    assert set(read_folder(STARTER).library.anytime) == set(ANYTIME)


def test_the_page_lists_every_name_once() -> None:
    listed = [name for _, lines in pages() for name, _ in lines]
    for names in (DEEDS, HAPPENINGS, LISTS, EXPECTS, WHO, FILTERS):
        assert [name for name in names if name not in listed] == []
    assert {"me.name", "org.name", "pair.other", "action.title"} <= set(listed)
    lines = dict(line for _, rows in pages() for line in rows)
    assert lines["record_consent"] == "with to=keep|pair|contact|picture: done"
    assert lines["invite_link"] == "done (in answers.link)"
    assert set(MEANS) == set(DEEDS)
    assert ATTACHMENTS == ("calendar", "qr", "card")
