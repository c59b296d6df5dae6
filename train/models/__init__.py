"""The networks: their presets and sizes, fitting, and calibration."""
