"""How the embedded server is set: for a developer's machine and for tests, which it shares with everything else.

They are given on the command line, so that a change here takes effect at the next start of any data folder.
"""

import shutil
from pathlib import Path

# A container often has 64 MB here, in which a parallel query fails at a size that no one can predict.
SHARED_MEMORY = Path("/dev/shm")
ENOUGH_SHARED_MEMORY_BYTES = 256 << 20

ALWAYS = {
    # Only a Unix socket in a folder that only its owner (and root) may enter: nobody else can even knock.
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    # Test workers, a server, workers and the demo at once; each idle one costs about 2 MB.
    "max_connections": "200",
    # Enough for a year of the demo's hot rows. Larger made no difference (anchors: speed).
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Loading a year writes some GB of log: fewer checkpoints, since each makes every page written again whole.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # A query over all month partitions, with their indexes, locks a few hundred relations.
    "max_locks_per_transaction": "256",
    "random_page_cost": "1.1",
    # Our statements are short: compiling one costs more than running it.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%d ",
    # Refused statements are what the tests are made of; the application logs its own.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}

# For data that a test makes again at will: nothing waits for the disk, so a power cut may ruin it. A kill may not:
# synchronous_commit stays on, and what is committed has reached the operating system. No vacuum comes at a time of its
# own: its transactions hold back the log's readers, and what it learns of a table changes how the table is read.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


def arguments(*, sockets: Path, durable: bool) -> list[str]:
    """The server's settings as `-c name=value` arguments."""
    chosen = ALWAYS | {"unix_socket_directories": str(sockets)} | ({} if durable else UNSAFE)
    if SHARED_MEMORY.is_dir() and _size_bytes(SHARED_MEMORY) < ENOUGH_SHARED_MEMORY_BYTES:
        chosen["dynamic_shared_memory_type"] = "mmap"
    return [argument for name, value in chosen.items() for argument in ("-c", f"{name}={value}")]


def _size_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).total
