from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0004_worker_speed")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="prompt_template",
            field=models.TextField(blank=True, default="", editable=False),
            preserve_default=False,
        ),
    ]
