package preferences

// MachineNumber is machineNumber.
func MachineNumber(text string) int { return machineNumber(text) }
