"""The environment of a process that trains with JAX on the processor."""

# Compile quickly rather than well: these networks compile for seconds and run for milliseconds.
_QUICK = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


def jax_environment(devices: int = 1) -> dict[str, str]:
    """What to add to os.environ; several devices are virtual."""
    return {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{_QUICK} --xla_force_host_platform_device_count={devices}",
    }
