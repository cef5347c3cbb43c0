"""A provider for the OpenFeature SDK for Python, deciding in process. Needs the extra `openfeature`.

A slot is an object flag, a setting a flag of its type, as docs/service.md has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, InvalidContextError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from tailored.book.suggest import did_you_mean
from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.service.flags import Contexts, UnusableContext, flag

_ACCEPTED: dict[str, tuple[type, ...]] = {
    "a boolean": (bool,),
    "a string": (str,),
    "an integer": (int,),
    "a float": (float, int),
    "an object": (dict, list),
}


def _kind(value: object) -> str:
    return next(kind for kind, accepted in _ACCEPTED.items() if isinstance(value, accepted))


class TailoredProvider(AbstractProvider):
    """Resolves flags by an engine. The targeting key is `user.id`, others are attributes, whole or short.

    The SDK tells the application of FLAG_NOT_FOUND, TYPE_MISMATCH and INVALID_CONTEXT, and gives its default.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._loaded = (engine, Contexts(engine.book))

    def use(self, engine: Engine) -> None:
        """Goes on with another engine, and tells the application that flags may have changed."""
        self._loaded = (engine, Contexts(engine.book))
        self.emit_provider_configuration_changed(
            ProviderEventDetails(flags_changed=[*engine.book.slots, *engine.book.settings])
        )

    def get_metadata(self) -> Metadata:
        """The name of the provider."""
        return Metadata(name="tailored")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A setting of type `boolean`."""
        return self._resolve(flag_key, "a boolean", evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A setting of type `string`, or of a date, a time or a version, as text."""
        return self._resolve(flag_key, "a string", evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A setting of type `integer`."""
        return self._resolve(flag_key, "an integer", evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A setting of type `number` or `integer`."""
        return self._resolve(flag_key, "a float", evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """A slot, or a setting that is a list."""
        return self._resolve(flag_key, "an object", evaluation_context)

    async def resolve_boolean_details_async(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """The same, without blocking the event loop while scorers are waited for; so with all that follow."""
        return await self._resolve_async(flag_key, "a boolean", evaluation_context)

    async def resolve_string_details_async(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """As `resolve_string_details`."""
        return await self._resolve_async(flag_key, "a string", evaluation_context)

    async def resolve_integer_details_async(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """As `resolve_integer_details`."""
        return await self._resolve_async(flag_key, "an integer", evaluation_context)

    async def resolve_float_details_async(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """As `resolve_float_details`."""
        return await self._resolve_async(flag_key, "a float", evaluation_context)

    async def resolve_object_details_async(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """As `resolve_object_details`."""
        return await self._resolve_async(flag_key, "an object", evaluation_context)

    def _resolve(self, key: str, kind: str, context: EvaluationContext | None) -> FlagResolutionDetails[Any]:
        engine, user, where = self._asked(context)
        return _details(engine, engine.evaluate(user, where), key, kind)

    async def _resolve_async(
        self, key: str, kind: str, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        engine, user, where = self._asked(context)
        return _details(engine, await engine.evaluate_async(user, where), key, kind)

    def _asked(self, context: EvaluationContext | None) -> tuple[Engine, dict[str, Any], dict[str, Any]]:
        engine, contexts = self._loaded
        asked = context or EvaluationContext()
        try:
            return engine, *contexts.read(asked.targeting_key, asked.attributes)
        except UnusableContext as error:
            raise InvalidContextError(str(error)) from None


def _details(engine: Engine, decision: Decision, key: str, kind: str) -> FlagResolutionDetails[Any]:
    """What the SDK is told of one flag of a decision, which must be of a kind."""
    found = flag(engine.book, decision, key)
    if found is None:
        hint = did_you_mean(key, [*engine.book.slots, *engine.book.settings])
        raise FlagNotFoundError(f"The book has no slot and no setting `{key[:60]}`. {hint}".rstrip())
    is_right = isinstance(found.value, _ACCEPTED[kind])
    if not is_right or (isinstance(found.value, bool) and kind != "a boolean"):
        # What it holds may be about the visitor, and messages of errors are written down.
        raise TypeMismatchError(f"`{key}` is not {kind}, but {_kind(found.value)}.")
    value: Any = found.value
    return FlagResolutionDetails(
        value=float(value) if kind == "a float" else value,
        reason=Reason(found.reason),
        variant=found.variant,
        flag_metadata=found.metadata,
    )
