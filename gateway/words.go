package gateway

// The types in this file are the values of properties that are words. Others
// than the constants, which are those that Amazon documents, are sent as they
// are.

// Switch is the value of [PowerState] and [ToggleState].
type Switch string

// The positions of a switch.
const (
	On  Switch = "ON"
	Off Switch = "OFF"
)

// Detection is the value of [ContactDetectionState] and [MotionDetectionState].
type Detection string

// What a sensor reports. A contact that is detected is open.
const (
	Detected    Detection = "DETECTED"
	NotDetected Detection = "NOT_DETECTED"
)

// Reachability is the value of [Connectivity].
type Reachability string

// Whether the skill reaches the endpoint.
const (
	Reachable   Reachability = "OK"
	Unreachable Reachability = "UNREACHABLE"
)

// Lock is the value of [LockState].
type Lock string

// The states of a lock.
const (
	Locked   Lock = "LOCKED"
	Unlocked Lock = "UNLOCKED"
	Jammed   Lock = "JAMMED" // it can neither lock nor unlock
)

// Arming is the value of [ArmState].
type Arming string

// The states of a security panel.
const (
	ArmedAway  Arming = "ARMED_AWAY"
	ArmedStay  Arming = "ARMED_STAY"
	ArmedNight Arming = "ARMED_NIGHT"
	Disarmed   Arming = "DISARMED"
)

// Alarm is the value of [BurglaryAlarm], [CarbonMonoxideAlarm], [FireAlarm] and
// [WaterAlarm].
type Alarm string

// The states of an alarm.
const (
	AlarmOff Alarm = "OK"
	AlarmOn  Alarm = "ALARM"
)

// Thermostat is the value of [ThermostatMode].
type Thermostat string

// The modes of a thermostat.
const (
	ThermostatAuto Thermostat = "AUTO"
	ThermostatCool Thermostat = "COOL"
	ThermostatHeat Thermostat = "HEAT"
	ThermostatEco  Thermostat = "ECO"
	ThermostatOff  Thermostat = "OFF"
)

// Playback is the value of [PlaybackState].
type Playback string

// The states of a player.
const (
	Playing Playback = "PLAYING"
	Paused  Playback = "PAUSED"
	Stopped Playback = "STOPPED"
)

// Recording is the value of [RecordingState].
type Recording string

// The states of a recorder.
const (
	RecordingOn  Recording = "RECORDING"
	RecordingOff Recording = "NOT_RECORDING"
)

// Sound is the value of [EqualizerMode].
type Sound string

// The modes of an equalizer.
const (
	SoundMovie Sound = "MOVIE"
	SoundMusic Sound = "MUSIC"
	SoundNight Sound = "NIGHT"
	SoundSport Sound = "SPORT"
	SoundTV    Sound = "TV"
)

// Band names a band of [EqualizerBands].
type Band string

// The bands of an equalizer.
const (
	Bass     Band = "BASS"
	Midrange Band = "MIDRANGE"
	Treble   Band = "TREBLE"
)
