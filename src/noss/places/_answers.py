"""What a store's refusal means: sorted from the exceptions of its library, and told in one line of our own."""

from __future__ import annotations

import enum
import errno
import importlib
from typing import Final

_REFUSED: Final = frozenset({401, 403})
_PAST_END: Final = 416
_CREDENTIALS: Final = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run gcloud auth application-default login",
    "hf": "set HF_TOKEN, or run hf auth login",
}
_ENDPOINTS: Final = {"s3": " and AWS_ENDPOINT_URL", "gs": " and STORAGE_EMULATOR_HOST", "hf": " and HF_ENDPOINT"}
_CLASSES: Final = {
    "s3": ("botocore.exceptions:BotoCoreError", "botocore.exceptions:ClientError", "aiohttp:ClientError"),
    "gs": ("gcsfs.retry:HttpError", "google.auth.exceptions:GoogleAuthError", "aiohttp:ClientError"),
    "hf": ("huggingface_hub.errors:HfHubHTTPError", "huggingface_hub.errors:HTTPError"),  # of its own HTTP library
}
_NO_CREDENTIALS: Final = frozenset({
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
    "ProfileNotFound", "DefaultCredentialsError", "RefreshError", "LocalTokenNotFoundError",
})  # fmt: skip
_WRONG: Final = frozenset({"ParamValidationError", "InvalidEndpointDiscoveryConfigurationError", "NoRegionError"})
_NOT_THERE: Final = frozenset({"RepositoryNotFoundError", "EntryNotFoundError", "RevisionNotFoundError"})
_OUR_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})


class Answer(enum.Enum):
    """What a failed question came to; `OURS` is the fault of this machine's disk, `PAST_END` of bytes asked for behind the last."""

    NOT_THERE = enum.auto()
    REFUSED = enum.auto()
    NO_CREDENTIALS = enum.auto()
    WRONG = enum.auto()
    PAST_END = enum.auto()
    NONE = enum.auto()
    OURS = enum.auto()

    def line(self, address: str, scheme: str) -> str:
        """It in one line: what was found, what to do."""
        how = _CREDENTIALS.get(scheme, "check the credentials")
        if self is Answer.REFUSED:
            return f"{address} is refused (403): ask its owner for the right to it, or {how}"
        if self is Answer.NO_CREDENTIALS:
            return f"{address} needs credentials and none that work are here: {how}"
        if self is Answer.WRONG:
            return f"{address} is no address that its store takes: check the bucket's name{_ENDPOINTS.get(scheme, '')}"
        if self is Answer.PAST_END:
            return f"{address} is shorter than it was said to be: bring it there again"
        return f"{address}: its store does not answer: check the network{_ENDPOINTS.get(scheme, '')}, and run again"


def foreign(scheme: str) -> tuple[type[BaseException], ...]:
    """The exceptions by which the library of a store says that something did not work."""
    found: list[type[BaseException]] = [OSError, TimeoutError]
    for name in _CLASSES.get(scheme, ()):
        module, _, kind = name.partition(":")
        try:
            found.append(getattr(importlib.import_module(module), kind))
        except (ModuleNotFoundError, AttributeError):
            continue  # another version of the library
    return tuple(found)


def sort_of(error: BaseException) -> Answer:
    """What an exception means; the libraries' own kinds are told by name, so that none is imported for it."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError) or kinds & _NOT_THERE:
        return Answer.NOT_THERE
    if kinds & _NO_CREDENTIALS:
        return Answer.NO_CREDENTIALS
    if isinstance(error, PermissionError) or _status(error) in _REFUSED:
        return Answer.REFUSED
    if kinds & _WRONG:
        return Answer.WRONG
    if isinstance(error, OSError) and error.errno in _OUR_DISK:
        return Answer.OURS
    if _PAST_END in (_status(error), _status(error.__cause__)):  # s3fs makes an OSError of it
        return Answer.PAST_END
    return Answer.NOT_THERE if _status(error) == 404 else Answer.NONE


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an exception carries, wherever its library keeps it."""
    held = getattr(error, "response", None)
    if isinstance(held, dict):
        status = held.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status if isinstance(status, int) else None
    for holder, name in ((held, "status_code"), (error, "status"), (error, "code")):
        value = getattr(holder, name, None)
        if isinstance(value, int):
            return value
    return None
