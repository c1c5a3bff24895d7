"""Wake words from text: detector, thresholds from false alarms, enrolment."""
