/**
 * The reactions one can choose: by heading, each with its name and, behind a comma, other words that
 * one may look for. Chosen and worded by hand, for answering messages; whatever else there is can be
 * pasted into the search of the picker.
 */

const GROUPS = {
  "Faces": `
    😀 grinning, smile happy
    😄 laughing eyes, smile happy joy
    😁 beaming, grin proud
    😆 squinting laugh, haha lol
    😂 tears of joy, laugh lol haha
    🤣 rolling on the floor, laugh rofl lol
    😊 blushing, smile happy thanks
    🙂 slight smile, fine ok
    🙃 upside down, irony silly
    😉 wink, joke
    😇 halo, angel innocent
    🥰 in love, hearts adore
    😍 heart eyes, love beautiful
    😘 kiss, love
    😋 yum, tasty delicious food
    😜 winking tongue, joke silly
    🤪 zany, crazy silly
    🤗 hug, welcome thanks
    🤭 giggle, oops
    🤫 hush, quiet secret
    🤔 thinking, hmm question
    🤨 raised eyebrow, doubt really
    😐 neutral, meh
    😑 expressionless, meh
    😶 no mouth, speechless
    🙄 rolling eyes, annoyed
    😏 smirk, sly
    😬 grimace, awkward oops
    😌 relieved, calm
    😴 sleeping, tired night
    🥱 yawn, tired bored
    😷 mask, sick ill
    🤒 fever, sick ill
    🤯 exploding head, mind blown wow
    🥳 party face, celebrate birthday
    😎 sunglasses, cool
    🤓 nerd, clever
    🧐 monocle, inspect look
    😕 confused, unsure
    🙁 slight frown, sad
    😮 astonished, wow oh surprised
    😲 amazed, wow shocked
    😳 flushed, embarrassed
    🥺 pleading, please
    😢 crying, sad tear
    😭 sobbing, cry sad
    😱 screaming, fear shock
    😅 sweat smile, phew close
    😓 cold sweat, stress
    😩 weary, tired
    😤 steam, frustrated proud
    😠 angry, mad
    🤬 swearing, angry
    😈 smiling devil, evil
    💀 skull, dead
    💩 poop, crap
    🤡 clown, silly
    👻 ghost, boo
    👽 alien, strange
    🤖 robot, bot machine
    🫠 melting, hot embarrassed
    🫡 salute, yes understood`,
  "Hands and people": `
    👍 thumbs up, yes agree good ok like plus
    👎 thumbs down, no disagree bad dislike minus
    👌 ok hand, fine perfect
    🙏 folded hands, please thanks pray
    👏 clapping, applause bravo well done
    🙌 raised hands, hooray celebrate
    🤝 handshake, deal agreed
    💪 muscle, strong
    ✌️ victory, peace two
    🤞 crossed fingers, luck hope
    🤘 horns, rock
    🤙 call me, phone
    👋 wave, hello hi bye
    ✋ raised hand, stop me
    👉 pointing right, this
    👈 pointing left, that
    👆 pointing up, above this
    👇 pointing down, below
    ☝️ index up, one point
    ✊ fist, solidarity
    👊 punch, bump
    🫶 heart hands, love thanks
    🤏 pinch, small little
    ✍️ writing, note
    👀 eyes, look watching seen
    🧠 brain, smart think
    🤷 shrug, no idea
    🤦 facepalm, oh no
    🙋 hand up, me question
    🙅 crossed arms, no
    🙆 arms over head, ok
    🙇 bow, sorry thanks
    💃 dancing woman, party
    🕺 dancing man, party
    🏃 running, hurry on my way
    🧘 meditating, calm
    👨‍💻 man at a computer, developer work
    👩‍💻 woman at a computer, developer work
    👥 people, group`,
  "Hearts and signs": `
    ❤️ red heart, love
    🧡 orange heart, love
    💛 yellow heart, love
    💚 green heart, love
    💙 blue heart, love
    💜 purple heart, love
    🖤 black heart, love
    🤍 white heart, love
    💔 broken heart, sad
    💯 hundred, points perfect full
    ✅ check mark, done yes ok
    ☑️ ticked box, done
    ✔️ tick, done yes
    ❌ cross, no wrong
    ❓ question mark, what
    ❗ exclamation mark, important
    ‼️ two exclamation marks, important
    ⚠️ warning, careful
    🚫 forbidden, no stop
    ⛔ no entry, stop
    🛑 stop sign, halt
    ➕ plus, add
    ➖ minus, remove
    🆗 ok button, fine
    🆕 new button, news
    🔴 red circle, stop
    🟡 yellow circle, wait
    🟢 green circle, go
    🔵 blue circle, info
    ⬆️ up arrow, above
    ⬇️ down arrow, below
    ➡️ right arrow, next
    ⬅️ left arrow, back
    🔄 circling arrows, again update
    ♻️ recycling, again
    💬 speech bubble, comment
    💭 thought bubble, thinking
    💤 zzz, sleep
    💢 anger sign, angry
    💥 collision, boom bang
    💫 dizzy, star
    ✨ sparkles, new shiny magic
    ⭐ star, favourite
    🌟 glowing star, great
    🔥 fire, hot great
    💧 drop, water
    ⚡ lightning, fast power
    🌈 rainbow, pride colours`,
  "Nature and weather": `
    ☀️ sun, sunny weather
    🌤️ sun behind a cloud, weather
    ☁️ cloud, weather
    🌧️ rain, weather
    ⛈️ thunderstorm, weather
    ❄️ snowflake, cold winter
    ☃️ snowman, winter
    🌊 wave of water, sea
    🌙 moon, night
    🌍 globe, earth world
    🌱 seedling, grow plant
    🌳 tree, plant
    🌵 cactus, plant
    🍀 four-leaf clover, luck
    🌹 rose, flower
    🌻 sunflower, flower
    🌸 blossom, flower spring
    🍁 maple leaf, autumn
    🐶 dog, animal
    🐱 cat, animal
    🐭 mouse, animal
    🐰 rabbit, animal
    🦊 fox, animal
    🐻 bear, animal
    🐼 panda, animal
    🐨 koala, animal
    🐯 tiger, animal
    🦁 lion, animal
    🐮 cow, animal
    🐷 pig, animal
    🐸 frog, animal
    🐵 monkey, animal
    🙈 see no evil, monkey shy
    🙉 hear no evil, monkey
    🙊 speak no evil, monkey secret
    🐔 chicken, animal
    🐧 penguin, linux animal
    🦆 duck, animal
    🦉 owl, wise animal
    🦄 unicorn, magic animal
    🐝 bee, busy animal
    🐛 caterpillar, bug insect
    🦋 butterfly, insect
    🐌 snail, slow
    🐢 turtle, slow
    🐍 snake, python
    🐙 octopus, animal
    🐳 whale, docker animal
    🐬 dolphin, animal
    🐘 elephant, animal`,
  "Food and drink": `
    ☕ coffee, hot drink break
    🍵 tea, hot drink
    🧃 juice, drink
    🍺 beer, drink
    🍻 two beers, cheers drink
    🥂 clinking glasses, cheers celebrate
    🍷 wine, drink
    🍾 champagne, celebrate bottle
    🍕 pizza, food
    🍔 burger, food
    🍟 fries, food
    🌮 taco, food
    🥗 salad, food
    🍝 spaghetti, pasta food
    🍜 noodles, soup food
    🍣 sushi, food
    🍞 bread, food
    🧀 cheese, food
    🥐 croissant, breakfast food
    🥚 egg, food
    🍎 apple, fruit
    🍌 banana, fruit
    🍋 lemon, fruit
    🍓 strawberry, fruit
    🍒 cherries, fruit
    🥑 avocado, fruit
    🥕 carrot, vegetable
    🌶️ chilli, hot spicy
    🍿 popcorn, watching film
    🍪 cookie, biscuit
    🍩 doughnut, cake
    🍰 slice of cake, dessert
    🎂 birthday cake, celebrate
    🍫 chocolate, sweet
    🍦 ice cream, dessert`,
  "Things and places": `
    🎉 party popper, tada celebrate hooray congratulations
    🎊 confetti, celebrate
    🎁 present, gift
    🎈 balloon, birthday
    🏆 trophy, win
    🥇 gold medal, first win
    🏅 medal, win
    🎯 bullseye, target exactly
    ⚽ football, soccer sport
    🏀 basketball, sport
    🎮 game pad, play
    🎲 die, game chance
    🧩 puzzle piece, fits
    🎨 palette, art design
    🎵 music note, song
    🎸 guitar, music
    🎬 clapper board, film
    📷 camera, photo
    📞 telephone, call
    💻 laptop, computer work
    ⌨️ keyboard, computer
    🖨️ printer, paper
    💾 floppy disk, save
    🔋 battery, power
    💡 light bulb, idea
    🔦 torch, light
    🔍 magnifying glass, search look
    🔑 key, secret
    🔒 lock, closed secure
    🔓 open lock, unlocked
    🔔 bell, notify
    🔕 bell off, mute
    📣 megaphone, announce
    📌 pin, important
    📎 paper clip, attachment
    ✂️ scissors, cut
    📝 memo, note write
    📅 calendar, date
    📈 rising chart, growth
    📉 falling chart, loss
    📊 bar chart, numbers
    📦 parcel, package ship
    📧 e-mail, letter
    📚 books, read learn
    🗑️ wastebasket, delete
    🔧 spanner, fix repair
    🔨 hammer, build
    🛠️ hammer and spanner, tools fix
    ⚙️ gear, settings
    🧪 test tube, experiment
    💊 pill, medicine
    💉 syringe, vaccine
    🩹 plaster, fix heal
    💰 bag of money, rich
    💸 money with wings, expensive
    🛒 trolley, shopping
    ⏰ alarm clock, time
    ⏳ hourglass, wait time
    ⌛ hourglass at its end, time
    🚀 rocket, launch ship fast
    ✈️ plane, travel
    🚗 car, drive
    🚲 bicycle, ride
    🚆 train, travel
    ⛵ sailing boat, sea
    🚢 ship, release
    🚧 under construction, work
    🚨 alarm light, emergency
    🏠 house, home
    🏢 office, work
    🏖️ beach, holiday
    ⛰️ mountain, hike
    🏁 chequered flag, finish
    🚩 red flag, warning
    🏳️‍🌈 rainbow flag, pride
    🪄 magic wand, magic
    🧹 broom, clean tidy`,
};

/** @typedef {{reaction: string, name: string, words: string[]}} Emoji */

/** @type {{heading: string, emoji: Emoji[]}[]} */
export const EMOJI = Object.entries(GROUPS).map(([heading, lines]) => ({
  heading,
  emoji: lines.trim().split("\n").map((line) => emojiOf(line.trim())),
}));

function emojiOf(line) {
  const [, reaction, name, words] = /^(\S+) ([^,]+), (.+)$/u.exec(line);
  return { reaction, name, words: `${name} ${words}`.split(/[\s-]+/) };
}
