// Grammars to start from: name -> text.
export const EXAMPLES = {
  "Directions": `Go: [go] (left|right|up|down)
Go: (forward|backward)
Stop: stop
`,
  "Lights": `# "Intent: sentence" names what is meant
Light: turn (on|off) [the] [kitchen|bedroom] (light|lights)
Dim: (set|dim) [the] (light|lights) to {0..100:brightness} percent
Color: make [the] (light|lights) (red|green|blue|white)
`,
  "Timers": `Timer: (set|start) a timer for {1..90:number} (seconds|minutes)
Timer: remind me in {1..90:number} minutes
Cancel: (stop|cancel) [the] timer
`,
  "Home, in YAML": `language: en
intents:
  TurnOn:
    data:
      - sentences: ["(turn|switch) on [the] {device} [<place>]"]
  TurnOff:
    data:
      - sentences: ["(turn|switch) off [the] {device} [<place>]"]
  Temperature:
    data:
      - sentences: ["(set|change) the temperature [<place>] to {degrees} [degrees]"]
expansion_rules:
  place: "in the {area}"
lists:
  device:
    values: [light, lights, lamp, fan, heater, radio, television]
  area:
    values: [kitchen, bedroom, bathroom, living room, office]
  degrees:
    range: {from: 10, to: 30}
`,
  "Single words": "backward bed bird cat dog down eight five follow forward four go happy house learn left marvin nine no off on one right seven sheila six stop three tree two up visual wow yes zero".replaceAll(" ", "\n") + "\n",
};
