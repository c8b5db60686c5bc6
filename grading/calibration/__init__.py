"""From what graders say and what can be counted in an essay to the points that its teacher would give."""

from grading.calibration.calibrator import Calibrator, OutdatedCalibrator, Quality, fit
from grading.calibration.marking import to_mark
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled, Sample, Scale

__all__ = ["Calibrator", "Labelled", "OutdatedCalibrator", "Prior", "Quality", "Sample", "Scale", "fit", "to_mark"]
