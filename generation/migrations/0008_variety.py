from typing import Any

from django.db import migrations, models

import generation.models.style

FIRST_STYLES = [
    ("photo", "Photo", "摄影", "{prompt}, professional photograph, natural light, sharp focus, fine detail"),
    (
        "ink-wash",
        "Ink wash",
        "水墨",
        "{prompt}, traditional ink wash painting on rice paper, soft gradients, empty space",
    ),
    ("watercolour", "Watercolour", "水彩", "{prompt}, watercolour painting, soft washes, visible paper grain"),
    ("anime", "Anime", "动漫", "{prompt}, anime illustration, clean line work, cel shading, vivid colours"),
    ("3d-render", "3D render", "3D 渲染", "{prompt}, 3D render, physically based materials, soft studio light"),
    ("line-art", "Line art", "线稿", "{prompt}, line art, clean black lines on a white background"),
    (
        "film-still",
        "Film still",
        "电影感",
        "{prompt}, cinematic film still, shallow depth of field, colour graded",
    ),
]


def make_first_styles(apps: Any, schema_editor: Any) -> None:
    """The styles that were part of the code before."""
    styles = apps.get_model("generation", "Style").objects.using(schema_editor.connection.alias)
    for number, (key, label, label_zh, template) in enumerate(FIRST_STYLES, start=1):
        styles.create(key=key, label=label, label_zh=label_zh, template=template, position=10 * number)


class Migration(migrations.Migration):
    dependencies = [("generation", "0007_start_pictures")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="prompt_template",
            field=models.TextField(blank=True, default="", editable=False),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="generation",
            name="variation",
            field=models.FloatField(default=0.0, verbose_name="variation"),
        ),
        migrations.AddField(
            model_name="generation",
            name="negative_prompt",
            field=models.TextField(blank=True, default="", verbose_name="negative prompt"),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="Style",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(
                        help_text="Its name in the API; fixed once made.",
                        max_length=40,
                        unique=True,
                        verbose_name="key",
                    ),
                ),
                ("label", models.CharField(max_length=60, verbose_name="name")),
                (
                    "label_zh",
                    models.CharField(
                        blank=True,
                        help_text="Left empty, the other name is shown.",
                        max_length=60,
                        verbose_name="name in Chinese",
                    ),
                ),
                (
                    "template",
                    models.TextField(
                        help_text="What the model reads; {prompt} stands for the person's words: "
                        "{prompt}, ink wash painting",
                        max_length=1000,
                        validators=[generation.models.style.validate_template],
                        verbose_name="words",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=100, help_text="Smaller numbers come first.", verbose_name="position"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="offered")),
            ],
            options={
                "verbose_name": "style",
                "verbose_name_plural": "styles",
                "ordering": ["position", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("template__contains", "{prompt}")), name="style_template_has_prompt"
                    )
                ],
            },
        ),
        migrations.RunPython(make_first_styles, migrations.RunPython.noop),
    ]
