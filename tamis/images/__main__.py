"""`python -m tamis.images SETTINGS`: the pool of readers. Nobody calls it by hand."""

import sys

import msgspec

from tamis.images.pool import Pool
from tamis.images.pool_settings import PoolSettings

sys.exit(Pool(msgspec.json.decode(sys.argv[1], type=PoolSettings)).run())
