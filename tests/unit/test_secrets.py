"""A secret shows itself to nobody, in no form."""

from __future__ import annotations

import base64
import copy
import gc
import json
import logging
import pickle
import traceback
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from backhaul.json_values import dump
from backhaul.plugins.credentials import Credential, PlainId
from backhaul.plugins.setting_problems import problems_of
from backhaul.secrets import MASK, Secret, redact, remember_secret

VALUE = "tôp s3cret/+&'\"pw="


class Model(BaseModel):
    secret: Secret
    more: int = 0


def test_no_form_of_a_secret_shows_it() -> None:
    secret = Secret(VALUE)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!r}",
        "%s %r" % (secret, secret),  # noqa: UP031
        repr([secret]),
        repr(Model(secret=secret)),
        Model(secret=secret).model_dump_json(),
        str(Model(secret=secret).model_dump(mode="json")),
        str(Model(secret=secret).model_dump()),
        dump({"a": Model(secret=secret)}),
    ]
    assert all("s3cret" not in text for text in shown)
    assert Model(secret=secret).secret.reveal() == VALUE


def test_a_secret_cannot_be_pickled_nor_written_as_json() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError) as caught:
        json.dumps(Secret(VALUE))
    assert "s3cret" not in str(caught.value)
    assert not hasattr(Secret(VALUE), "__dict__")


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    assert Model(secret=secret).model_copy(deep=True).secret is secret


def test_secrets_compare_by_value() -> None:
    assert Secret("abcd") == Secret("abcd")
    assert Secret("abcd") != Secret("abce")
    assert Secret("abcd") != "abcd"
    assert len({Secret("abcd"), Secret("abcd")}) == 1
    assert not Secret("")


def test_errors_of_pydantic_and_tracebacks_do_not_show_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"secret": [VALUE], "more": Secret(VALUE)})
    reasons = str(list(problems_of(caught.value, Model.model_fields)))
    assert "s3cret" not in reasons
    with pytest.raises(ValueError, match="bad") as failed:
        raise ValueError(f"bad {VALUE}", Secret(VALUE))
    assert "s3cret" not in redact("".join(traceback.format_exception(failed.value)))


def test_the_schema_says_text() -> None:
    assert TypeAdapter(Secret).json_schema() == {"type": "string"}


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        urlencode({"a": VALUE}),
        repr(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode().rstrip("="),
    ],
)
def test_every_encoded_form_is_redacted(form: str) -> None:
    secret = Secret(VALUE)
    text = redact(f"before {form} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert MASK in text
    assert "s3cret" not in text
    assert bool(secret)


@given(user=st.text(max_size=12), password=st.text(min_size=12, max_size=40))
def test_basic_authentication_does_not_show_the_password(user: str, password: str) -> None:
    secret = Secret(password)
    pair = f"{user}:{secret.reveal()}".encode()
    header = base64.b64encode(pair).decode()
    left = redact(header).replace(MASK, "")
    # What is left is the user and at most the edges of the password.
    assert len(left) <= 4 * (len(user.encode()) + 1) / 3 + 12


def test_the_longer_of_two_secrets_goes_first() -> None:
    secrets = [Secret("abcdefgh"), Secret("abcdefgh-and-more")]
    assert redact("x abcdefgh-and-more y") == "x *** y"
    assert len(secrets) == 2


def test_short_texts_are_too_common_to_be_removed() -> None:
    remember_secret("abc")
    assert redact("abc") == "abc"


def test_a_token_that_was_just_replaced_is_still_redacted_and_old_ones_are_forgotten() -> None:
    kept = Secret("kept-kept-kept")
    for number in range(1000):
        Secret(f"token-{number:06}")
    gc.collect()
    assert redact("token-000999") == MASK
    assert redact("token-000000") == "token-000000"
    assert redact(kept.reveal()) == MASK


@pytest.mark.parametrize("around", ["", " ", "\n", "\r\n", "\u00a0", "\u200b", "\ufeff", " \u200b\t"])
def test_blanks_around_a_credential_are_removed(around: str) -> None:
    assert TypeAdapter(Credential).validate_python(f"{around}s3cret-key{around}").reveal() == "s3cret-key"
    assert TypeAdapter(PlainId).validate_python(f"{around}my-id{around}") == "my-id"


@pytest.mark.parametrize("inside", [" ", "\n", "\t", "\u200b", "\u00a0"])
def test_a_blank_inside_a_credential_is_refused_without_showing_it(inside: str) -> None:
    for kind in (Credential, PlainId):
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(kind).validate_python(f"two{inside}words")
        found = caught.value.errors(include_input=False)[0]["msg"]
        assert "character 4 of 9" in found
        assert "words" not in found


def test_an_empty_credential_is_refused() -> None:
    with pytest.raises(ValidationError, match="is empty"):
        TypeAdapter(Credential).validate_python(" \n")


def test_logging_a_secret_shows_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("token %s", Secret(VALUE))
    assert caplog.messages == ["token ***"]
