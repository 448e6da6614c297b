"""Drawing from a picture in place of pure noise, and drawing only a part of it anew.

Owns how a picture becomes first latents, and the two pipelines of diffusers that go on from there. They are put
together from the parts of the loaded pipeline: `from_pipe` would turn those shared parts into float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import ZImageImg2ImgPipeline, ZImageInpaintPipeline
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image, ImageOps
from torch.nn import functional

from generation.engine.types import DrawRequest

OnLatents = Callable[[torch.Tensor], None]


def draw_from_picture(
    pipeline: Any,
    request: DrawRequest,
    *,
    prompt_embeds: list[torch.Tensor],
    negative_prompt_embeds: list[torch.Tensor] | None,
    on_latents: OnLatents,
    on_step_end: Callable[..., dict[str, Any]],
) -> Image.Image:
    """The picture of `request`, which has a start. `on_latents` is told the first latents (1, channels, rows, columns).

    The noise is that of the same seed without a start: at strength 1 both give the same picture. Where a mask is
    black, the picture's own pixels come back, not what the VAE makes of them.
    """
    start = request.start
    assert start is not None  # noqa: S101  the caller has looked
    size = (request.width, request.height)
    picture = cover(start.picture.convert("RGB"), size)
    mask = None if start.mask is None else cover(start.mask.convert("L"), size)
    drawing = (_FromPicture if mask is None else _FromPartOfPicture)(**pipeline.components)
    drawing.set_progress_bar_config(disable=True)
    drawing.on_latents = on_latents
    try:
        (drawn,) = drawing(
            image=picture,
            **({} if mask is None else {"mask_image": mask}),
            strength=start.strength,
            height=request.height,
            width=request.width,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            generator=[torch.Generator("cpu").manual_seed(request.seed)],
            prompt_embeds=prompt_embeds,
            negative_prompt_embeds=negative_prompt_embeds,
            callback_on_step_end=on_step_end,
        ).images
    finally:
        pipeline.maybe_free_model_hooks()  # the hooks belong to the pipeline that was loaded
    return drawn if mask is None else Image.composite(drawn, picture, mask)


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`picture` scaled until it covers `size` (width, height), and cut to it around its middle."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


class _FromPicture(ZImageImg2ImgPipeline):
    """diffusers' own draws the encoding from the seed's generator before the noise, and rounds the noise to the
    prompt's number format; here the seed's noise is the same as without a start, and encoding is not random."""

    on_latents: OnLatents

    def prepare_latents(self, image: torch.Tensor, timestep: torch.Tensor, *shape: Any) -> torch.Tensor:
        latents, _noise, _encoded = _first_latents(self, image, timestep, *shape)
        self.on_latents(latents)
        return latents


class _FromPartOfPicture(ZImageInpaintPipeline):
    """As above; and the masked picture, of which the model knows nothing, is not encoded a second time."""

    on_latents: OnLatents

    def prepare_latents(
        self, image: torch.Tensor, timestep: torch.Tensor, *shape: Any
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        prepared = _first_latents(self, image, timestep, *shape)
        self.on_latents(prepared[0])
        return prepared

    def prepare_mask_latents(
        self, mask: torch.Tensor, _picture: Any, _number: int, height: int, width: int, *_rest: Any
    ) -> tuple[torch.Tensor, None]:
        rows, columns = height // self.vae_scale_factor, width // self.vae_scale_factor
        # A latent of which any pixel is masked is drawn anew; the pixels that are not come back in the end.
        small = functional.adaptive_max_pool2d(mask, (rows, columns))
        return small.to(device=self._execution_device, dtype=torch.float32), None


def _first_latents(
    pipeline: Any,
    image: torch.Tensor,
    timestep: torch.Tensor,
    number: int,
    channels: int,
    height: int,
    width: int,
    _dtype: torch.dtype,
    device: torch.device,
    generator: list[torch.Generator],
    _latents: None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy latents, their noise, and the encoded `image` (1, 3, height, width; -1 to 1): float32, all of one shape."""
    vae, scale = pipeline.vae, pipeline.vae_scale_factor
    encoded = vae.encode(image.to(device=device, dtype=vae.dtype)).latent_dist.mode().float()
    encoded = (encoded - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor
    shape = (number, channels, height // scale, width // scale)
    noise = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
    return pipeline.scheduler.scale_noise(encoded, timestep, noise), noise, encoded
