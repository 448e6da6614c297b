"""Tags of the fair queue become whole numbers: pixel-steps instead of fractions of megapixel-steps."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Round


def to_pixel_steps(apps, schema_editor):
    generation = apps.get_model("generation", "Generation")
    start, width = Round(F("start_tag") * 1e6), Round(F("cost") * 1e6)
    generation.objects.update(start_tag=start, finish_tag=start + width)
    apps.get_model("generation", "QueueShare").objects.update(finish_tag=Round(F("finish_tag") * 1e6))
    apps.get_model("generation", "QueueClock").objects.update(virtual_time=Round(F("virtual_time") * 1e6))


def to_megapixel_steps(apps, schema_editor):
    apps.get_model("generation", "Generation").objects.update(start_tag=F("start_tag") / 1e6)
    apps.get_model("generation", "QueueShare").objects.update(finish_tag=F("finish_tag") / 1e6)
    apps.get_model("generation", "QueueClock").objects.update(virtual_time=F("virtual_time") / 1e6)


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_quotas_and_ledger")]

    operations = [
        migrations.AddField("generation", "finish_tag", models.BigIntegerField(default=0, editable=False), preserve_default=False),
        migrations.RunPython(to_pixel_steps, to_megapixel_steps),
        migrations.AlterField("generation", "start_tag", models.BigIntegerField(editable=False)),
        migrations.AlterField("queueshare", "finish_tag", models.BigIntegerField(default=0)),
        migrations.AlterField("queueclock", "virtual_time", models.BigIntegerField(default=0)),
    ]
