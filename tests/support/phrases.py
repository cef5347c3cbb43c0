"""Phrases that speak of sensitive topics, and innocent ones, as authors and data models write them.

The first two tables were there while the words of the lexicon were chosen: what it should know. The other
two were written afterwards, and no word was chosen for them: they tell what it is worth on texts that it has
never seen.
"""

KNOWN = {
    "health": """
        People with diabetes; has_allergies; Readers who told us about sore joints; pregnant
        customers; Expecting parents need vitamins in pregnancy; isPregnant; users with a chronic
        illness; back pain relief; on medication; takes antidepressants; mental health check;
        wheelchair users; hearing loss; Recovering from surgery; people in therapy; cancer
        survivors; blood pressure readings; bmi over 30; wants to lose weight; weight_goal;
        fertility treatment; ovulation tracker; HIV status; vaccination status; COVID test result;
        disabled customers; nut allergy; gluten intolerance; coeliac diet; insulin pump; anxiety and
        depression; ADHD; autism; sleep disorder; suffers from insomnia; quit smoking; alcoholics;
        injured runners; knee injury; prescription reminders; pharmacy orders; hospital stay;
        visited a doctor; symptoms; epilepsy; asthma inhaler; menopause; menstrual cycle; cycle day;
        health insurance; diagnosis; diagnoses; patient; medical history; carers of dementia
        patients; erectile dysfunction; contraception; STD test; broken leg; eating disorder; panic
        attacks; skin condition; eczema cream; dental treatment; dentures; glasses prescription;
        arthritis; heart disease; stroke; overweight; obese; calorie deficit
    """,
    "religion": """
        halal meals; kosher food; Ramadan offers; ramadan; Muslims; churchgoers; Catholics;
        christian families; prayer times; Jewish holidays; Hanukkah gifts; Diwali sale; Eid
        greetings; religious beliefs; religion; faith; mosque nearby; attends church; Bible study;
        buddhist retreats; Hindus; atheists; religious affiliation; Lent menu; baptism gifts; first
        communion; bar mitzvah; Quran; Sikh; pilgrimage to Mecca; Hajj package; sabbath; synagogue
    """,
    "politics": """
        voted for; party member; political opinion; political_affiliation; donated to a campaign;
        donates to Greenpeace campaign; Democrats; Republicans; left-wing readers; conservative
        voters; labour party; petition signers; signed a petition; election preferences; protest
        march; activists; supports Brexit; socialist; trade policy views; voters; likely voter
    """,
    "ethnicity": """
        ethnicity; ethnic origin; race; Hispanic customers; black customers; Asian descent; African
        American; Latinos; immigrants; refugees; native american; roma community; skin colour; skin
        color; mixed race; national origin; migration background; indigenous people;
        country_of_birth; mother tongue; nationality; ancestry; caucasian
    """,
    "union-membership": """
        union members; trade union; union dues; member of a union; shop steward; labor union; works
        council; on strike; collective bargaining; is_union_member; unionised workers
    """,
    "sex-life": """
        gay; lesbian; LGBT; lgbtq; sexual orientation; bisexual; queer; transgender; trans women;
        same-sex couples; gender identity; sex toys; pride; dating preference; sex life;
        polyamorous; nonbinary; condoms; erotic novels; porn
    """,
    "genetics": """
        DNA test; dna_results; genetic risk; genome; genetic; BRCA; hereditary disease; family
        history of cancer; ancestry DNA; genotype; gene variant; inherited condition
    """,
    "biometrics": """
        fingerprint; fingerprint login; face recognition; facial recognition; face id; voiceprint;
        iris scan; biometric; palm vein; faceprint; gait analysis; touch id; retina scan; face
        geometry
    """,
    "finance": """
        retirement; Saves for retirement; mortgage; income; annual_income; salary; credit score;
        debt; in debt; loan; has_loan; savings; savings goal; monthly_saving; bank balance; pension;
        wealthy customers; bankrupt; net worth; investment portfolio; overdraft; unemployed; payday;
        credit limit; low income; high earners; tax return; benefits recipients; student loan; house
        price; home loan; 401k; ISA; stock holdings; inheritance; financially vulnerable; struggling
        with money; credit card debt; foreclosure; creditworthiness
    """,
    "children": """
        has kids; kids; children; number_of_children; child's age; parents; has_children; newborn;
        toddler; baby; babies; pregnant with first child; teenagers; underage; minors; school age;
        kindergarten; single mother; families with kids; son; daughter; kids_age; mom of three;
        parent; new parents; preschoolers
    """,
    "precise-location": """
        GPS location; gps location; latitude; longitude; lat_lng; home address; street address;
        exact location; geolocation; current location; precise position; lives at; where they live;
        postcode; zip code; location history; whereabouts; coordinates; geofence; work address; live
        location; near the office; within 100 metres of
    """,
    "criminal-record": """
        convict; convicted; criminal record; felony; arrested; prison; on parole; probation; charged
        with a crime; police record; ex-offenders; sentenced; jail; background check; DUI;
        restraining order; driving ban; fraud conviction; inmates
    """,
}
"""Phrases that speak of each topic."""

INNOCENT = """
    heart-shaped necklace; union jack; Union Jack mug; healthy snacks; health bar; fit for the trail;
    Warm feet; socks for hikers; European Union; Western Union; credit card; pay by credit card; gift
    card balance; race day; running race; racing bike; bike race; car race; colour; black shoes; white
    shirt; black friday; Black Week; native app; native English; mass market; party dress; party
    supplies; birthday party; third party; voting for your favourite photo; vote for the best tent;
    labour saving; green tea; green jacket; left side bar; right-hand menu; Independent bookstores;
    conservative estimate; liberal returns policy; crimes of fashion; crime novels; sentence; long
    sentence; first sentence; arrest warrant (game); cell phone; phone cell; cell padding; child page;
    child element; parent page; parent company; parent category; baby blue; babysitter; kid gloves;
    Billy the Kid; kidney beans; son of a gun; sonar; daughter board; minor changes; A minor; major and
    minor; toddler-size in dolls; location of the shop; store location; shop address; email address; ip
    address; address line; delivery address; positions open; page position; latitude of choice; tracking
    number; home page; home; street style; street food; live chat; live events; live stream; near you;
    gender; sex and the city; sexy black dress; straight line; straight-leg jeans; gay lussac; pride of
    place; pride and prejudice; proud members; trans-siberian railway; transparent; transaction;
    translation; face cream; face mask; facial cleanser; face to face; fingertip; finger food; voice
    search; voice mail; iris flowers; iris blue; palm oil; palm tree; palm springs; touch screen; DNA of
    our brand; gene simmons; general; generic-hero; generation; genre; generous; ancestor elements;
    faithful customers; belief in quality; we believe in good shoes; church street; christmas; Christmas
    sale; christian louboutin; Christian; easter; easter bunny; pastor bread; angel wings; cross;
    cross-country skis; crossover; mass; temple of the dog; saint-tropez; cult classics; spirit level;
    meditation app; yoga; pray for snow; medium; media; median; medieval; patience; patient customers
    wait; patently; stroke of luck; brush stroke; four-stroke engine; cancer zodiac; tropic of cancer;
    virus scanner; computer virus; bug; infectious beat; depression in the market; low pressure; blood
    orange; blood moon; heart; hearts; heartbeat of the city; i love you with all my heart; pain au
    chocolat; painting; champagne; ill fitting shoes; illustration; skill; bill; doctor martens; dr
    martens boots; doctor who; therapeutic; aroma; vitamin c serum; vitamins; fitness; workout; fitness
    tracker; weight; lightweight tent; heavy weight; weightlifting; diet coke; diet; operating system;
    operation; injury-time goal; recovery email; password recovery; recovery period; crash; addicted to
    chocolate; game addict; smoking hot; smoked salmon; drug; drugstore; vision; glasses; sunglasses;
    blind; blinds; roller blinds; deaf leopard; mute button; mental arithmetic; stress test; load
    testing; allergic to boring; immune; savings; save 20 percent; saved items; saver pass; cabin-saver;
    loan of a bike; on loan; budget; budget-friendly; low budget; interest; interests; interested in
    tents; stock; in stock; out of stock; stocks last; bond; james bond; bonds; share; shared; share
    this; investor relations; balance; balance bike; work-life balance; debt of gratitude; bank holiday;
    river bank; banking; fund; fun; pensive; tax; tax included; plus tax; VAT; price; rich; rich text;
    poor connection; wealth of ideas; money back; money-back guarantee; credits; end credits; credit
    where due; account; bankers box; broke; breaking news; conviction; by conviction; convicted felons
    (band); reunion; community; communion; onion; opinion; opinions; strike; lightning strike; striking
    colours; bowling strike; steward; flight steward; picket fence; petite; petition; elections of the
    week; selection; candidate; candidates; party; party mode; policy; returns policy; police; policies;
    republic; Czech Republic; democratic; democratise design; active users; activity; activists;
    movement; march; March sale; in March; protest; campaign; winter campaign; race condition;
    nationality; asian noodles; African print; Mexican food; Latin; latin dance; immigrant song; native
    plants; indigenous plants; roma tomatoes; Roma; caucasian carpet; tribe; tribal print; origin;
    country of origin; skin; skincare; skin type; dark mode; skin tone emoji; coordinates outfit;
    colour-coordinated; coordinate; kids menu; children's books; child-proof; grandparents; mother's
    day; father; dad; mum; family; family tent; family size; family plan; school; back to school;
    schooling; students; university
"""
"""Phrases that speak of none; many hold a word that does elsewhere."""

UNSEEN = {
    "health": """
        Customers with high cholesterol; Recovering after a hip operation; uses_hearing_aid;
        Low-sugar offers for diabetics; Readers living with chronic pain; Is taking medicine;
        sickDays; Trails for people in wheelchairs; Told us they are lactose intolerant; Sleep
        problems; visited the dentist; Nursing mothers; flu shot reminder; mobility impairment;
        therapistNotes; people who had COVID
    """,
    "religion": """
        Orders halal meat; Celebrates Ramadan; religion; Goes to church on Sundays; Passover
        recipes; is_catholic; Parish newsletter readers; Prays five times a day; Hindu wedding
        outfits; Belongs to a congregation
    """,
    "politics": """
        Supports a political party; voting_intention; Donors of the campaign for mayor; Reads
        left-wing magazines; Signed our petition against the motorway; Undecided voters; Green party
        supporters; party_membership
    """,
    "ethnicity": """
        ethnic_group; Hair care for Black women; Latina shoppers; Members of the Sami people;
        Second-generation immigrants; Racial background; Of Turkish descent; has refugee status
    """,
    "union-membership": """
        Pays union dues; trade_union; Is in a union; Discount for union members; Works council
        delegates; Took part in the strike
    """,
    "sex-life": """
        Gay couples; sexual_preference; Came out as lesbian; Honeymoon ideas for same-sex couples;
        Uses a dating app for men; is_transgender; Sex therapy; bisexual
    """,
    "genetics": """
        DNA kit result; geneticMarker; Carries the BRCA gene; Runs in the family; Hereditary heart
        condition; Whole genome sequencing
    """,
    "biometrics": """
        fingerprint_hash; Signs in with Face ID; Recognised by voice; biometricTemplate; Palm scan
        at the gate; retina
    """,
    "finance": """
        Saves for retirement; mortgage_amount; Monthly income above 5000; Is behind on payments;
        credit_score; Wants to consolidate debts; Members with a pension plan; Lives on benefits;
        Spends more than they earn; householdIncome; Just inherited money; owns shares
    """,
    "children": """
        has_kids; number_of_children; Families with small children; Just became a parent; Pushchair
        and baby care; school run; Her daughter's birthday; Pregnant with twins; teenagers at home;
        Dads
    """,
    "precise-location": """
        gps_location; GPS coordinates of the phone; home_address; Streets near the user's home; lat;
        The flat where she lives; last_known_position; realtimeLocation; House number; Is in the
        store right now
    """,
    "criminal-record": """
        Was convicted of theft; criminal_record; Ex-convicts; Did time in prison; Arrested for drunk
        driving; On probation; pending charges; community service order
    """,
}
"""Phrases that the lexicon was not made for; some say it without any telling word."""

UNSEEN_INNOCENT = """
    Warm feet for winter; Free returns within 30 days; Hiking boots viewers see a socks hero; Welcome
    back; New arrivals; Heart-shaped necklace; Union Jack cushion; Healthy snacks for the trail; Kids'
    rain jackets; Boots for children's feet; Mother of pearl earrings; Race through the forest;
    Christmas gifts; Easter eggs; Black Friday; Best sellers in your country; Looked at tents; Visitors
    from a newsletter; Power users; Onboarding for teams; Plan: enterprise; Continue reading; Reads the
    magazine weekly; Sports news; Crime thrillers; Documentaries; Stars of the stage; The doctor will
    see you now (series); Saving the planet; Save your search; Saved items; Your basket; Pay with card;
    Credit card accepted; Gift cards; Price drop; Big savings this week; Financial Times crossword;
    Stock is low; Size guide; Weight of the backpack; Light as a feather; Steel frame; First-aid kit;
    Sun cream; Vitamin bars; Energy gels; Running clinic on Sunday; Ski patrol; Rescue dogs; Safety
    first; Emergency blanket; Knife sharpening; Blood-red jacket; Skin-tight leggings; Face mask for
    cold wind; Fingertip gloves; Touchscreen gloves; Voice control; Smart watch; Genuine leather;
    General store; Origin of the wool; African violet seeds; Indian summer; Nordic countries; American
    football; Turkish towels; Chinese tea; Asian street food; Local guides; Map of the region; Store
    finder; Shop near you; Delivery address; Invoice address; Email address; Track your parcel; Order
    status; Trail coordinates; Altitude; Weather at your place; Temperature below zero; Country;
    Language; Device; Campaign: spring; Party tent; Third-party cookies; Voting for the photo of the
    year; Design awards; Independent shops; Republic of Ireland; Police-style torch; Handcuffs key ring;
    Jail-house rock (song); Sentence of the day; Case study; Charge your phone; Battery charged; Loan a
    tent for a day; Balance board; Investment in quality; Interest in climbing; Bond between friends;
    Rich chocolate; Cheap flights; Discount for students; Back to school; Teacher edition; Learning
    path; Class schedule; Team of three; Parent category; Child theme; Baby steps; Grandma's recipe;
    Family ticket; Couples retreat; Straight cut; Pride of Norway; Rainbow laces; Adult sizes; Men's;
    Women's; Unisex; Gender-neutral cut
"""
"""Innocent phrases of a shop, a magazine and a product that the lexicon was not made for."""
