"""Only what pyproject.toml cannot say: models/ goes into the package, so that an installed Pneumo finds them (pneumo/paths.py)."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["pneumo", "pneumo.*"]), "pneumo.shipped_models"],
    package_dir={"pneumo.shipped_models": "models"},
    package_data={
        "": ["*.css", "*.csv", "*.gz", "*.json"],
        "pneumo.ui.diagnose": ["viewer_assets/*"],
        "pneumo.shipped_models": ["*.csv", "*/*"],
    },
    include_package_data=False,
)
