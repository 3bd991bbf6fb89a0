//! The arithmetic of trends, pure: the steps of time, the weight of a like or a comment at an age, the score of a post at a
//! moment, and the rank, which orders posts by score independently of the moment.

/// The score of a new like.
const LIKE: f64 = 1.0;
/// The score of a new comment, which takes more effort than a like.
const COMMENT: f64 = 2.0;

/// How far back a trend looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrendWindow {
    /// The last hour, in steps of a minute, with a half-life of 10 minutes.
    Hour,
    /// The last day, in steps of half an hour, with a half-life of 4 hours.
    Day,
    /// The last week, in steps of 4 hours, with a half-life of a day.
    Week,
}

/// The likes and comments of a post in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StepCount {
    pub(super) step: i64,
    pub(super) likes: i64,
    pub(super) comments: i64,
}

impl StepCount {
    fn worth(&self) -> f64 {
        self.likes as f64 * LIKE + self.comments as f64 * COMMENT
    }
}

/// The place of a post among others, at any moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) newest_step: i64,
    /// The base-2 logarithm of the score that the counts would have at step 0. As all scores decay alike, the order of ranks is
    /// the order of scores; a logarithm can represent any time.
    pub(super) rank: f64,
}

impl TrendWindow {
    pub(super) const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];
    /// The longest window.
    pub(super) const LONGEST: Self = Self::Week;

    /// Returns the number in the table.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Hour => 1,
            Self::Day => 2,
            Self::Week => 3,
        }
    }

    pub(super) fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.number() == number)
    }

    pub(super) const fn step_seconds(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => 30 * 60,
            Self::Week => 4 * 60 * 60,
        }
    }

    /// Returns the number of steps in the window, including the current one.
    pub(super) const fn steps(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => 48,
            Self::Week => 42,
        }
    }

    const fn half_life_steps(self) -> f64 {
        match self {
            Self::Hour => 10.0,
            Self::Day => 8.0,
            Self::Week => 6.0,
        }
    }

    /// Returns the step of a moment, given in seconds since 1970.
    pub(super) const fn step_of(self, at_s: i64) -> i64 {
        at_s.div_euclid(self.step_seconds())
    }

    /// Returns the last step that is out of the window.
    pub(super) const fn last_step_outside(self, now: i64) -> i64 {
        now - self.steps()
    }

    /// Returns the oldest step that is kept when the latest event is at `latest_s`. It is one more than the window has, for
    /// readers whose clock is behind that of the events.
    pub(super) const fn oldest_kept(self, latest_s: i64) -> i64 {
        self.last_step_outside(self.step_of(latest_s))
    }

    /// Returns the share that remains after this many steps: half after each half-life. An event that another process's clock
    /// dates ahead of ours counts as one of now.
    fn remains(self, age_steps: i64) -> f64 {
        (-age_steps.max(0) as f64 / self.half_life_steps()).exp2()
    }

    /// Returns the score at step `now` of counts within the window.
    pub(super) fn score(self, counts: &[StepCount], now: i64) -> f64 {
        let within = counts
            .iter()
            .filter(|count| count.step > self.last_step_outside(now));
        within
            .map(|count| count.worth() * self.remains(now - count.step))
            .sum()
    }

    /// Returns the rank of counts; `None` without any.
    pub(super) fn standing(self, counts: &[StepCount]) -> Option<Standing> {
        let newest_step = counts.iter().map(|count| count.step).max()?;
        let sum: f64 = counts
            .iter()
            .map(|count| count.worth() * self.remains(newest_step - count.step))
            .sum();
        (sum > 0.0).then(|| Standing {
            newest_step,
            rank: newest_step as f64 / self.half_life_steps() + sum.log2(),
        })
    }

    /// Returns the highest score that a post of this rank can have at step `now`. The score is lower if some of its counts have
    /// left the window since it was ranked, or are dated ahead.
    pub(super) fn most_at(self, rank: f64, now: i64) -> f64 {
        (rank - now as f64 / self.half_life_steps()).exp2()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 29_000_000;

    fn window() -> impl Strategy<Value = TrendWindow> {
        prop::sample::select(TrendWindow::ALL.to_vec())
    }

    /// Generates counts of some of the steps in the window that ends at `NOW`.
    fn counts() -> impl Strategy<Value = Vec<StepCount>> {
        let count = (0_i64..42, 0_i64..1_000, 0_i64..1_000);
        prop::collection::btree_map(0_i64..42, count, 1..30).prop_map(|counts| {
            let counts = counts
                .into_iter()
                .map(|(age, (_, likes, comments))| StepCount {
                    step: NOW - age,
                    likes: likes + 1,
                    comments,
                });
            counts.collect()
        })
    }

    fn is_close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-7 * one.abs().max(other.abs())
    }

    #[test]
    fn half_lives_are_what_the_api_says() {
        for (window, seconds) in [
            (TrendWindow::Hour, 600),
            (TrendWindow::Day, 4 * 3_600),
            (TrendWindow::Week, 86_400),
        ] {
            let steps = seconds / window.step_seconds();
            let one = |step| StepCount {
                step,
                likes: 8,
                comments: 0,
            };
            assert_eq!(window.score(&[one(NOW)], NOW), 8.0);
            assert_eq!(window.score(&[one(NOW - steps)], NOW), 4.0);
            assert_eq!(window.score(&[one(NOW - 2 * steps)], NOW), 2.0);
            let comments = StepCount {
                step: NOW,
                likes: 0,
                comments: 4,
            };
            assert_eq!(window.score(&[comments], NOW), 8.0);
        }
        let spans = TrendWindow::ALL.map(|window| window.steps() * window.step_seconds());
        assert_eq!(spans, [3_600, 86_400, 7 * 86_400]);
    }

    #[test]
    fn what_leaves_the_window_hardly_weighed_anything() {
        for window in TrendWindow::ALL {
            let last = [StepCount {
                step: NOW - window.steps() + 1,
                likes: 1,
                comments: 0,
            }];
            let score = window.score(&last, NOW);
            assert!(score > 0.0 && score < 1.0 / 50.0, "{window:?}: {score}");
            assert_eq!(window.score(&last, NOW + 1), 0.0);
        }
    }

    proptest! {
        #[test]
        fn scores_sink_alike(window in window(), counts in counts(), age in 0_i64..200) {
            // As long as nothing leaves the window, time takes the same share of all scores.
            let newest = [StepCount { step: NOW, ..counts[0] }];
            let (now, later) = (window.score(&newest, NOW), window.score(&newest, NOW + age));
            let expected = if age < window.steps() { now * window.remains(age) } else { 0.0 };
            prop_assert!(is_close(later, expected), "{later} is not {expected}");
            prop_assert!(window.score(&counts, NOW + age) <= window.score(&counts, NOW) * (1.0 + 1e-12));
        }

        #[test]
        fn scores_add_up(window in window(), one in counts(), other in counts()) {
            let both: Vec<StepCount> = one.iter().chain(&other).copied().collect();
            let sum = window.score(&one, NOW) + window.score(&other, NOW);
            prop_assert!(is_close(window.score(&both, NOW), sum));
        }

        #[test]
        fn ranks_order_as_scores_do(window in window(), one in counts(), other in counts()) {
            let rank = |counts| window.standing(counts).expect("counts").rank;
            let (score, than) = (window.score(&one, NOW), window.score(&other, NOW));
            prop_assume!(!is_close(score, than));
            prop_assert_eq!(score < than, rank(&one) < rank(&other));
        }

        #[test]
        fn a_rank_bounds_the_score_at_any_moment(
            window in window(),
            counts in counts(),
            age in -3_i64..100,
        ) {
            let rank = window.standing(&counts).expect("counts").rank;
            let score = window.score(&counts, NOW + age);
            let most = window.most_at(rank, NOW + age);
            prop_assert!(score <= most * (1.0 + 1e-7), "{score} is above {most}");
            // The bound is exact while all counts are in the window, and none is ahead.
            if age == 0 {
                prop_assert!(is_close(score, most), "{score} is not {most}");
            }
        }

        #[test]
        fn a_moment_is_in_one_step(window in window(), at_s in any::<i32>()) {
            let at_s = i64::from(at_s);
            let begin = window.step_of(at_s) * window.step_seconds();
            prop_assert!(begin <= at_s && at_s < begin + window.step_seconds());
        }
    }
}
