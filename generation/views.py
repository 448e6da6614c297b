"""The create page and the queue page. Both work from the same snapshot as the WebSocket, and from plain forms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gallery.metadata.texts import LARGEST_FILE
from gallery.models import Image
from generation import catalogue, loras, matrix, rate_limit, services, snapshot, styles
from generation.catalogue import MAX_COUNT, MAX_PROMPT_LENGTH, Model
from generation.exceptions import InvalidParameters, QuotaExceeded, RateLimited
from generation.forms import GenerationForm
from generation.typed import cleaned

_DEFAULT_COUNT = 4


def _examples(model: Model) -> list[str]:
    """Prompts that suit the model, for a first try and for *surprise me*."""
    if model.is_starter:
        return [
            _("The sea at sunset with a red sun and a white sailboat"),
            _("Four yellow stars on a blue background"),
            _("Rolling hills at night with the moon on the left and a red house on the right"),
            _("A pink heart above a purple circle on a white background"),
            _("Snowy mountains at dawn with three pink trees"),
            _("A large orange circle on a turquoise background"),
            _("A purple field under a pink sky with a white house"),
            _("A green triangle to the left of a yellow square"),
            _("A desert under an orange sky with a white sun"),
            _("A winter landscape at night with the moon and two trees"),
        ]
    return [
        _("Layered mountains after rain, pale mist between the ridges, a small vermilion sun"),
        _("A lighthouse keeper's kitchen at dawn, steam from a kettle, worn wooden table"),
        _("Geometric poster of a harbour town, warm paper texture"),
        _("A red fox asleep in fresh snow, low winter light"),
        _("Glass greenhouse full of ferns at night, lanterns, light rain"),
    ]


def _reused(user: User, request: HttpRequest) -> dict[str, Any] | None:
    """The settings of one's own picture that the address asks to use again: `?reuse=<id>`, all but its seed with
    `&seed=new`, and nothing else with `&only=prompt` or `&only=seed`."""
    try:
        pk = UUID(request.GET.get("reuse", ""))
    except ValueError:
        return None
    image = Image.objects.visible_to(user).filter(pk=pk).first()
    if image is None:
        return None
    only = {"prompt": matrix.escaped(image.prompt), "seed": image.seed}
    if (name := request.GET.get("only", "")) in only:
        return {name: only[name]}
    return {
        "prompt": matrix.escaped(image.prompt),
        "style": image.style,
        "width": image.width,
        "height": image.height,
        "steps": image.steps,
        "seed": None if request.GET.get("seed") == "new" else image.seed,
        "loras": loras.as_json(loras.from_json(image.record.get("loras"))),
        "guidance": image.guidance,
        "variation": image.record.get("variation", 0.0),
        "negative_prompt": image.record.get("negative_prompt", ""),
        **services.remaining_start(user, image.record),
    }


def _start(user: User, request: HttpRequest, model: Model) -> str | None:
    """The id of one's own picture from which the address asks to start (`?start=<id>`)."""
    try:
        pk = UUID(request.GET.get("start", ""))
    except ValueError:
        return None
    can = model.can_start_from_image and Image.objects.visible_to(user).kept().filter(pk=pk).exists()
    return str(pk) if can else None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Ask for pictures and watch them being drawn."""
    assert isinstance(request.user, User)  # noqa: S101
    user, model = request.user, catalogue.current_model()
    form = GenerationForm(request.POST or None, model=model)
    status = 200
    if request.method == "POST":
        if form.is_valid() and form.parameters:
            try:
                rate_limit.take(user.pk)
                services.submit(user=user, parameters=form.parameters)
                return redirect("create")
            except InvalidParameters as invalid:
                form.add_errors(invalid)
                status = 422
            except (QuotaExceeded, RateLimited) as refused:
                form.add_error(None, str(refused))
                status = 429
        else:
            status = 422
    reuse = _reused(user, request)
    here = snapshot.snapshot(user)
    values = reuse or {}
    if form.is_bound:
        values = {name: form.data.get(name, "") for name in form.fields}
    context = {
        "model": model,
        "shapes": model.shapes,
        "styles": styles.styles_json(),
        "examples": _examples(model),
        "defaults": {"count": _DEFAULT_COUNT, "steps": model.default_steps, "shape": "1:1", "style": ""},
        "max_count": min(MAX_COUNT, _DEFAULT_COUNT),
        "max_prompt_length": MAX_PROMPT_LENGTH,
        "prompt_length": len(cleaned(str(values.get("prompt", "")))),
        "largest_picture": f"{LARGEST_FILE}",  # no thousands separators
        "max_loras": loras.MAX_LORAS,
        "max_lora_weight": f"{loras.MAX_WEIGHT:g}",
        "values": values,
        "errors": form.errors,
        "bootstrap": here
        | {
            "model": model.as_json(),
            "reuse": reuse,
            "start": _start(user, request, model),
            "styles": styles.names(),
        },
    }
    return render(request, "generation/create.html", context, status=status)


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Everything that waits or is being drawn; other people's pictures as shapes without content."""
    assert isinstance(request.user, User)  # noqa: S101
    here = snapshot.snapshot(request.user)
    return render(request, "generation/queue.html", {"bootstrap": here | {"line": snapshot.queue(request.user)}})
