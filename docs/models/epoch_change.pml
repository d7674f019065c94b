/* Votes, L1, acknowledgements, final and the change of epoch (SPEC.md 8.4, 8.5 and 8.19), for
 * one slot with two contenders, and four seats of weight 1 of which one is Byzantine.
 *
 * Seats 0, 1, 2 are correct.  The Byzantine seat needs no state: whatever it could sign in any
 * epoch (a vote for each contender, an acknowledgement, a sign-off that stands on anything) is
 * there whenever it helps somebody, and is missing whenever that helps.
 *
 * The DAG is abstracted to what decides: which votes are below a seat's own vertices, its cone.
 * A seat votes for either contender whenever it has not voted; the real rule (of contenders seen
 * at once the lowest id) allows fewer runs.  A cone holds only what a rule demands, the own vote
 * and the votes that were acknowledged, because U, the union of cones, is given any other votes
 * when it is decided.  In the last epoch L1 counts as final: nothing after it could tell them
 * apart.  So what never happens here never happens there.
 *
 * check.py searches it whole, sees that it can do what it should (WANT_...), and that each rule
 * is needed: with one taken away (WITHOUT_...) the search must find a double spend.
 */

#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef Q
#define Q 3                     /* weight that makes a contender L1, and final */
#endif
#ifndef SIGN_OFFS
#define SIGN_OFFS 3             /* weight of Z */
#endif
#ifndef CARRIED_BY
#define CARRIED_BY 3            /* votes inside U that carry a contender over */
#endif

#define LAST (EPOCHS - 1)
#define SEATS 3                 /* the correct ones */
#define NONE 0
#define A 1
#define B 2
#define BYZANTINE 8             /* bits of a set of voters: 1, 2, 4 are the correct seats */
#define EVERYBODY 15

typedef Seat {
  byte epoch;                   /* in which it votes */
  byte vote[EPOCHS];            /* contenders it voted for */
  byte cone_a[EPOCHS];          /* whose votes for A are below its vertices, its sign-off too */
  byte cone_b[EPOCHS];
  byte acknowledged[EPOCHS];    /* contenders of which it said "I hold L1" */
  bool is_off[EPOCHS];          /* whether it signed off */
}

Seat seat[SEATS];
byte carried[EPOCHS];           /* contenders with a certificate inside U */
byte decided = 0;               /* the newest epoch that has begun */
byte finals = NONE;             /* contenders that were final, at whatever node, ever */

#define HAS_VOTE(set, e, i, c) (((set >> i) & 1) && (seat[i].vote[e] & c))
#define VOTES(set, e, c) (HAS_VOTE(set, e, 0, c) + HAS_VOTE(set, e, 1, c) \
                        + HAS_VOTE(set, e, 2, c) + ((set & BYZANTINE) != 0))
#define IS_L1(set, e, c) ((carried[e] & c) || VOTES(set, e, c) >= Q)

/* An acknowledgement names the slot, not the contender; it counts in its epoch only. */
#ifdef WITHOUT_FRESH_ACKNOWLEDGEMENTS
#define SAYS(i, e, c) ((seat[i].acknowledged[e] & c) || (e > 0 && seat[i].acknowledged[e - (e > 0)]))
#else
#define SAYS(i, e, c) ((seat[i].acknowledged[e] & c) != 0)
#endif
#define SAYERS(e, c) (SAYS(0, e, c) + SAYS(1, e, c) + SAYS(2, e, c) + 1)

#ifdef WITHOUT_SECOND_LEVEL
#define IS_FINAL(e, c) IS_L1(EVERYBODY, e, c)
#else
#define IS_FINAL(e, c) (IS_L1(EVERYBODY, e, c) && (e == LAST || SAYERS(e, c) >= Q))
#endif

/* A slot whose contender was carried over takes no votes. */
#ifdef WITHOUT_CLOSED_SLOTS
#define IS_OPEN(e) true
#else
#define IS_OPEN(e) (carried[e] == NONE)
#endif

#ifdef WITHOUT_ONE_VOTE
#define MAY_VOTE(i, e, c) (!(seat[i].vote[e] & c))
#else
#define MAY_VOTE(i, e, c) (seat[i].vote[e] == NONE)
#endif

#ifdef WITHOUT_SILENT_VOTES
#define VOTES_STILL(i, e) true
#else
#define VOTES_STILL(i, e) (!seat[i].is_off[e])
#endif

#ifdef WITHOUT_SILENT_ACKNOWLEDGEMENTS
#define ACKNOWLEDGES_STILL(i, e) true
#else
#define ACKNOWLEDGES_STILL(i, e) (!seat[i].is_off[e])
#endif

inline note_finals(e) {
  if :: IS_FINAL(e, A) -> finals = finals | A :: else fi;
  if :: IS_FINAL(e, B) -> finals = finals | B :: else fi;
  assert(finals != (A | B));    /* no double spend, in one epoch or over a change */
#ifdef WANT_FINAL_BEFORE_CHANGE
  assert(!(finals && decided == 0));
#endif
#ifdef WANT_FINAL_AFTER_CHANGE
  assert(!(e == 0 && finals && decided == 1));
#endif
#ifdef WANT_OTHER_CONTENDER
  assert(!(e == 1 && finals == B && seat[0].vote[0] == A && seat[1].vote[0] == A));
#endif
#ifdef WANT_SPLIT_SLOT_FREED
  assert(!(e == 1 && finals && seat[0].vote[0] == A && seat[1].vote[0] == B \
           && seat[2].vote[0] == B && seat[2].is_off[0] && !carried[1]));
#endif
}

/* A vote is below the vertex that casts it; after a sign-off nothing is added to its cone. */
inline cast(i, c) {
  if :: c == A && !seat[i].is_off[e] -> seat[i].cone_a[e] = seat[i].cone_a[e] | (1 << i)
     :: c == B && !seat[i].is_off[e] -> seat[i].cone_b[e] = seat[i].cone_b[e] | (1 << i)
     :: else fi;
  seat[i].vote[e] = seat[i].vote[e] | c;
  note_finals(e)
}

/* Whoever acknowledges stands on the votes: on these of ``set``. */
inline say(i, c, set) {
#ifndef WITHOUT_VOTES_IN_CONE
  if :: seat[i].is_off[e] || carried[e]
     :: else ->
          if :: c == A -> seat[i].cone_a[e] = seat[i].cone_a[e] | set
             :: else -> seat[i].cone_b[e] = seat[i].cone_b[e] | set fi
  fi;
#endif
  seat[i].acknowledged[e] = seat[i].acknowledged[e] | c;
  note_finals(e)
}

#define MAY_SAY(i, c, set) (e < LAST && ACKNOWLEDGES_STILL(i, e) \
                            && !(seat[i].acknowledged[e] & c) && IS_L1(set, e, c))

inline step(i) {
  e = seat[i].epoch;
  if
  :: MAY_VOTE(i, e, A) && IS_OPEN(e) && VOTES_STILL(i, e) -> cast(i, A)
  :: MAY_VOTE(i, e, B) && IS_OPEN(e) && VOTES_STILL(i, e) -> cast(i, B)
  :: MAY_SAY(i, A, 7) -> say(i, A, 7)
  :: MAY_SAY(i, A, 11) -> say(i, A, 11)
  :: MAY_SAY(i, A, 13) -> say(i, A, 13)
  :: MAY_SAY(i, A, 14) -> say(i, A, 14)
  :: MAY_SAY(i, B, 7) -> say(i, B, 7)
  :: MAY_SAY(i, B, 11) -> say(i, B, 11)
  :: MAY_SAY(i, B, 13) -> say(i, B, 13)
  :: MAY_SAY(i, B, 14) -> say(i, B, 14)
  :: !seat[i].is_off[e] && e < LAST -> seat[i].is_off[e] = true
  /* Learn what was decided, and go on in the next epoch. */
  :: decided > e -> seat[i].is_off[e] = true; seat[i].epoch = e + 1
  :: else
  fi
}

inline add_cone(i) {
  if :: seat[i].is_off[e] -> z = z + 1; a = a | seat[i].cone_a[e]; b = b | seat[i].cone_b[e]
     :: true fi
}

/* The members agree on Z, sign-offs of enough weight, one of which may be the Byzantine one.  U is
 * the union of their cones, in which there may be any other votes as well. */
inline decide() {
  e = decided; a = 0; b = 0; z = 1;
  add_cone(0); add_cone(1); add_cone(2);
  if :: a = EVERYBODY :: a = a | 7 :: a = a | BYZANTINE :: true fi;
  if :: b = EVERYBODY :: b = b | 7 :: b = b | BYZANTINE :: true fi;
  if
  :: z >= SIGN_OFFS ->
       decided = e + 1;
       carried[e + 1] = carried[e];
       if :: VOTES(a, e, A) >= CARRIED_BY -> carried[e + 1] = carried[e + 1] | A :: else fi;
       if :: VOTES(b, e, B) >= CARRIED_BY -> carried[e + 1] = carried[e + 1] | B :: else fi;
       assert(carried[e + 1] != (A | B));
       note_finals(e + 1)
  :: else
  fi;
  a = 0; b = 0; z = 0
}

byte e, a, b, z;

init {
  do
  :: atomic { true -> step(0); e = 0 }
  :: atomic { true -> step(1); e = 0 }
  :: atomic { true -> step(2); e = 0 }
  :: atomic { decided < LAST -> decide(); e = 0 }
#ifdef WITHOUT_ONE_DECISION
  /* Somebody goes by another Z than the others do. */
  :: atomic { decided == LAST -> decided = decided - 1; carried[LAST] = NONE; decide(); e = 0 }
#endif
  od
}
