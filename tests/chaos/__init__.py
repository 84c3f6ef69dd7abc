"""Bad days: writers who note what was acknowledged, faults under them, and a comparison with the database afterwards."""
