"""Instance families and what a node of each offers to containers.

Source: Snowflake, "CREATE COMPUTE POOL" and the instance family tables of the three clouds.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Family:
    """One machine type: vCPU, memory in bytes and GPUs of one node; *credits* for each hour."""

    name: str
    cpu: float
    memory_gib: int
    gpus: int = 0
    credits: float | None = None

    @property
    def memory(self) -> int:
        """Memory in bytes."""
        return self.memory_gib * GIB


_ROWS: tuple[tuple[str, float, int, int, float | None], ...] = (
    ("CPU_X64_XS", 1, 6, 0, 0.06),
    ("CPU_X64_S", 3, 13, 0, 0.11),
    ("CPU_X64_M", 6, 28, 0, 0.22),
    ("CPU_X64_SL", 14, 54, 0, 0.41),
    ("CPU_X64_L", 28, 116, 0, 0.83),
    ("HIGHMEM_X64_S", 6, 58, 0, 0.28),
    ("HIGHMEM_X64_M", 28, 240, 0, 1.11),
    ("HIGHMEM_X64_SL", 60, 492, 0, 2.93),
    ("HIGHMEM_X64_L", 124, 984, 0, 4.44),
    ("GEN_X64_G2_2", 1, 6, 0, None),
    ("GEN_X64_G2_4", 3, 13, 0, None),
    ("GEN_X64_G2_8", 6, 28, 0, None),
    ("GEN_X64_G2_16", 14, 58, 0, None),
    ("GEN_X64_G2_32", 28, 116, 0, None),
    ("MEM_X64_G2_8", 6, 58, 0, None),
    ("MEM_X64_G2_32", 28, 240, 0, None),
    ("MEM_X64_G2_64", 60, 492, 0, None),
    ("MEM_X64_G2_96", 92, 652, 0, None),
    ("MEM_X64_G2_192", 188, 1436, 0, None),
    ("GPU_NV_XS", 3, 26, 1, 0.25),
    ("GPU_NV_S", 6, 28, 1, 0.57),
    ("GPU_NV_M", 44, 178, 4, 2.68),
    ("GPU_NV_L", 92, 1112, 8, 14.12),
    ("GPU_NV_SM", 32, 424, 1, 1.70),
    ("GPU_NV_2M", 68, 858, 2, 3.50),
    ("GPU_NV_3M", 44, 424, 2, 3.55),
    ("GPU_NV_SL", 92, 858, 4, 13.50),
    ("GPU_GCP_NV_L4_1_24G", 6, 28, 1, 0.43),
    ("GPU_GCP_NV_L4_4_24G", 44, 178, 4, 1.94),
    ("GPU_GCP_NV_A100_8_40G", 92, 654, 8, 11.68),
)
FAMILIES: dict[str, Family] = {row[0]: Family(*row) for row in _ROWS}
"""By name. GEN_ARM families are left out: their images are no linux/amd64 ones."""
