//! Attacks on the instruction's data: cut short, too long, and with extreme numbers.

use crate::case::{Bench, Case, Expect};
use program_tests::{
    idl::{Holds, Idl},
    scenario::Attack,
};

pub fn cases(bench: &Bench, idl: &Idl) -> Vec<Case> {
    let data = &bench.scenario.instruction.data;
    let mut out = vec![];
    let lengths = (0..data.len()).filter(|n| *n < 12 || data.len() - n < 8 || n % 29 == 0);
    for length in lengths {
        let short = bench.changed(|i| i.data.truncate(length));
        out.push(bench.whole(Attack::Malformed, format!("{length} bytes of data"), short));
    }
    for more in [1, 32] {
        let long = bench.changed(|i| i.data.extend(vec![1; more]));
        let case = bench.whole(Attack::Malformed, format!("{more} bytes too many"), long);
        out.push(case.expect(Expect::SameEffect));
    }
    for byte in 0..8 {
        let other = bench.changed(|i| i.data[byte] ^= 0x80);
        out.push(bench.whole(Attack::Malformed, format!("byte {byte} of the discriminator"), other));
    }
    // A change of attested arguments must be refused in any case.
    let expect = if bench.scenario.attested.is_some() { Expect::Refused } else { Expect::Balanced };
    for number in idl.numbers(bench.instruction, data) {
        let attack = if number.holds == Holds::Tag { Attack::Malformed } else { Attack::Edge };
        for value in ends(number.at.len()) {
            if data[number.at.clone()] == value[..] {
                continue;
            }
            let changed = bench.changed(|i| i.data[number.at.clone()].copy_from_slice(&value));
            let mut case = bench.whole(attack, format!("bytes {value:?}"), changed).expect(expect);
            case.what = number.path.clone();
            out.push(case);
        }
    }
    out
}

/// Extreme values of `size` bytes: 0, 1, the largest and the one below it, and both sides of the sign bit.
fn ends(size: usize) -> Vec<Vec<u8>> {
    let number = |low: u8, rest: u8, high: u8| {
        let mut bytes = vec![rest; size];
        bytes[0] = low;
        if size > 1 {
            bytes[size - 1] = high;
        }
        bytes
    };
    let mut out = vec![number(0, 0, 0), number(1, 0, 0), number(255, 255, 255), number(254, 255, 255)];
    out.push(if size > 1 { number(0, 0, 128) } else { vec![128] });
    out.push(if size > 1 { number(255, 255, 127) } else { vec![127] });
    out
}
