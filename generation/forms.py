"""The create page's form, for browsers without JavaScript; with it the page talks to the JSON API."""

from __future__ import annotations

from django import forms

from generation.catalogue import MAX_PROMPT_LENGTH, Model
from generation.exceptions import InvalidParameters
from generation.parameters import Parameters


class GenerationForm(forms.Form):
    """Checks only that numbers are numbers; the limits are `Parameters`' business, so that they are said once."""

    prompt = forms.CharField(required=False, max_length=MAX_PROMPT_LENGTH * 10, strip=False)
    style = forms.CharField(required=False)
    shape = forms.CharField(required=False)
    count = forms.IntegerField(required=False)
    steps = forms.IntegerField(required=False)
    seed = forms.IntegerField(required=False)
    variation = forms.FloatField(required=False)
    guidance = forms.FloatField(required=False)
    negative_prompt = forms.CharField(required=False, max_length=MAX_PROMPT_LENGTH * 10, strip=False)

    def __init__(self, *args: object, model: Model, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.model = model
        self.parameters: Parameters | None = None

    def clean(self) -> dict[str, object]:
        fields = super().clean() or {}
        shape = next((s for s in self.model.shapes if s["ratio"] == fields.get("shape")), self.model.shapes[0])
        if not self.errors:
            try:
                self.parameters = Parameters.checked(
                    self.model,
                    prompt=fields["prompt"],
                    width=shape["width"],
                    height=shape["height"],
                    steps=fields["steps"],
                    seed=fields["seed"],
                    count=1 if fields["count"] is None else fields["count"],
                    style=fields["style"],
                    variation=fields["variation"] or 0.0,
                    guidance=fields["guidance"],
                    negative_prompt=fields["negative_prompt"],
                )
            except InvalidParameters as refused:
                self.add_errors(refused)
        return fields

    def add_errors(self, refused: InvalidParameters) -> None:
        """At the fields that are wrong, or at the top where the form has no such field."""
        for error in refused.errors:
            self.add_error(error.field if error.field in self.fields else None, str(error.message))
