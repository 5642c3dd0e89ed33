"""FOUNDATION: waveforms. Reading, cutting, front ends; knows nothing of the rest of noss but its errors."""
