//! What the clock says as dates (14.6.1). The time is the driver's; where the clock is virtual, local time is UTC, so that a run
//! does not depend on the machine.
use crate::bridge;
use gene_vm::def;
use gene_vm::native::{Args, NativeDef, R};
use gene_vm::object::temporal::{Clock, DAY, SECOND, SHOW_SECONDS, UTC};
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Microseconds of the local clock, as if it were UTC.
fn local_us(vm: &Vm) -> i64 {
    let us = vm.driver.wall_us();
    if vm.driver.is_virtual() {
        return us;
    }
    let offset = match Timestamp::from_microsecond(us) {
        Ok(t) => TimeZone::system().to_offset(t).seconds(),
        Err(_) => 0,
    };
    us + i64::from(offset) * SECOND
}

fn today_plus(vm: &mut Vm, days: i64) -> R {
    let today = local_us(vm).div_euclid(DAY);
    Ok(vm.date(today + days))
}

fn today(vm: &mut Vm, _: &Args) -> R {
    today_plus(vm, 0)
}

fn yesterday(vm: &mut Vm, _: &Args) -> R {
    today_plus(vm, -1)
}

fn tomorrow(vm: &mut Vm, _: &Args) -> R {
    today_plus(vm, 1)
}

fn now(vm: &mut Vm, _: &Args) -> R {
    let us = local_us(vm);
    let clock = Clock { micros: us.rem_euclid(DAY), offset: Value::NIL, zone: Value::NIL, flags: SHOW_SECONDS };
    Ok(vm.date_time(us.div_euclid(DAY), clock))
}

fn now_utc(vm: &mut Vm, _: &Args) -> R {
    let us = vm.driver.wall_us();
    let flags = SHOW_SECONDS | UTC;
    let clock = Clock { micros: us.rem_euclid(DAY), offset: Value::small(0), zone: Value::NIL, flags };
    Ok(vm.date_time(us.div_euclid(DAY), clock))
}

static DEFS: [NativeDef; 5] = [
    def!(
        "today",
        today,
        0,
        0,
        "(gene/today) -- the local Date.
        (gene/today)"
    ),
    def!(
        "yesterday",
        yesterday,
        0,
        0,
        "(gene/yesterday) -- the Date before today.
        (gene/yesterday)"
    ),
    def!(
        "tomorrow",
        tomorrow,
        0,
        0,
        "(gene/tomorrow) -- the Date after today.
        (gene/tomorrow)"
    ),
    def!(
        "now",
        now,
        0,
        0,
        "(gene/now) -- the local DateTime, without a zone.
        (gene/now)"
    ),
    def!(
        "now_utc",
        now_utc,
        0,
        0,
        "(gene/now_utc) -- the DateTime in UTC.
        ((gene/now_utc) .year)"
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let gene = vm.gene_ns;
    bridge::functions(vm, gene, data, &DEFS);
}
