from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0009_finished_index"),
    ]

    operations = [
        migrations.AlterField(
            model_name="worker",
            name="state",
            field=models.CharField(
                choices=[
                    ("loading", "loading the model"),
                    ("idle", "idle"),
                    ("drawing", "drawing"),
                    ("stopped", "stopped"),
                    ("broken", "cannot start"),
                    ("waiting", "is started again after a while"),
                ],
                default="loading",
                max_length=10,
                verbose_name="state",
            ),
        ),
    ]
