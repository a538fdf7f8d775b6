//! The actors' actions. A new instruction needs an action in its program's file.

mod datanet;
mod delegation;
mod governance;
mod hostile;
mod model;
mod payout;
mod stake;

use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
pub use hostile::counterfeit;

/// Something that an actor may try. It gives `None` if the world lacks what the action needs. An action whose name
/// begins with `!` must be refused.
pub struct Action {
    pub name: &'static str,
    pub weight: u64,
    pub act: Act,
}

pub type Act = fn(&mut Crowd, &mut Dice) -> Option<Attempt>;

/// Every action.
pub fn all() -> Vec<Action> {
    let lists = [stake::ALL, delegation::ALL, datanet::ALL, model::ALL, payout::ALL, governance::ALL, hostile::ALL];
    let time: &[(&str, u64, Act)] = &[("a few slots pass", 8, few_slots), ("many slots pass", 4, many_slots)];
    let all = lists.into_iter().chain([time]).flatten();
    all.map(|&(name, weight, act)| Action { name, weight, act }).collect()
}

fn few_slots(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    crowd.pass(dice.between(1, 25));
    None
}

fn many_slots(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    crowd.pass(dice.between(50, 1_200));
    None
}
