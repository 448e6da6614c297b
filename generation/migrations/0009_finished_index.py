from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('generation', '0008_variety'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('finished_at__isnull', False)), fields=['state', 'finished_at'], name='generation_finished'),
        ),
    ]
