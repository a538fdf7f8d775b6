//! 128-bit unsigned division for the bpf target, called from i128.ll. It works on u64 halves only.
#![no_std]
#![allow(internal_features)]
#![feature(core_intrinsics)]
/// (hi:lo) / d -> (q, r); needs hi < d. Hacker's Delight divlu.
#[inline(always)]
fn divlu(hi: u64, lo: u64, d: u64) -> (u64, u64) {
    const B: u64 = 1 << 32;
    let s = d.leading_zeros();
    let v = d.wrapping_shl(s);
    let vn1 = v >> 32;
    let vn0 = v & 0xffff_ffff;
    let un32 = if s == 0 { hi } else { hi.wrapping_shl(s) | lo.wrapping_shr(64 - s) };
    let un10 = lo.wrapping_shl(s);
    let un1 = un10 >> 32;
    let un0 = un10 & 0xffff_ffff;
    #[inline(always)]
    fn step(n: u64, next: u64, vn1: u64, vn0: u64) -> u64 {
        // vn1 is never zero (top bit set)
        let mut q = unsafe { core::intrinsics::unchecked_div(n, vn1) };
        let mut r = n.wrapping_sub(q.wrapping_mul(vn1));
        while q >= B || q.wrapping_mul(vn0) > (B.wrapping_mul(r)).wrapping_add(next) {
            q = q.wrapping_sub(1);
            r = r.wrapping_add(vn1);
            if r >= B { break; }
        }
        q
    }
    let q1 = step(un32, un1, vn1, vn0);
    let un21 = un32.wrapping_mul(B).wrapping_add(un1).wrapping_sub(q1.wrapping_mul(v));
    let q0 = step(un21, un0, vn1, vn0);
    let r = un21.wrapping_mul(B).wrapping_add(un0).wrapping_sub(q0.wrapping_mul(v)).wrapping_shr(s);
    (q1.wrapping_mul(B).wrapping_add(q0), r)
}
#[inline(always)]
fn divmod(nl: u64, nh: u64, dl: u64, dh: u64) -> (u64, u64, u64, u64) {
    unsafe {
        if dh == 0 {
            if nh == 0 {
                let q = core::intrinsics::unchecked_div(nl, dl);
                return (q, 0, nl.wrapping_sub(q.wrapping_mul(dl)), 0);
            }
            let qh = core::intrinsics::unchecked_div(nh, dl);
            let rh = nh.wrapping_sub(qh.wrapping_mul(dl));
            if rh == 0 && nl == 0 { return (0, qh, 0, 0); }
            let (ql, r) = divlu(rh, nl, dl);
            return (ql, qh, r, 0);
        }
        if nh < dh { return (0, 0, nl, nh); }
        let s = dh.leading_zeros();
        let v1 = if s == 0 { dh } else { dh.wrapping_shl(s) | dl.wrapping_shr(64 - s) };
        let (u1h, u1l) = (nh >> 1, (nh << 63) | (nl >> 1));
        let (q1, _) = divlu(u1h, u1l, v1);
        let mut q = q1.wrapping_shr(63 - s);
        if q != 0 { q = q.wrapping_sub(1); }
        // r = n - q*d
        let (p_lo, p_hi) = mul64(q, dl);
        let p_hi = p_hi.wrapping_add(q.wrapping_mul(dh));
        let mut rl = nl.wrapping_sub(p_lo);
        let mut rh = nh.wrapping_sub(p_hi).wrapping_sub((nl < p_lo) as u64);
        if rh > dh || (rh == dh && rl >= dl) {
            q = q.wrapping_add(1);
            let b = (rl < dl) as u64;
            rl = rl.wrapping_sub(dl);
            rh = rh.wrapping_sub(dh).wrapping_sub(b);
        }
        (q, 0, rl, rh)
    }
}
#[inline(always)]
fn mul64(a: u64, b: u64) -> (u64, u64) {
    let (a0, a1, b0, b1) = (a & 0xffff_ffff, a >> 32, b & 0xffff_ffff, b >> 32);
    let p00 = a0.wrapping_mul(b0);
    let p01 = a0.wrapping_mul(b1);
    let p10 = a1.wrapping_mul(b0);
    let p11 = a1.wrapping_mul(b1);
    let mid = p10.wrapping_add(p00 >> 32);
    let mid2 = p01.wrapping_add(mid & 0xffff_ffff);
    ((mid2 << 32) | (p00 & 0xffff_ffff), p11.wrapping_add(mid >> 32).wrapping_add(mid2 >> 32))
}
#[no_mangle]
#[inline(never)]
pub unsafe fn __sbf_udiv128(out: *mut u64, nl: u64, nh: u64, dl: u64, dh: u64) {
    let (q0, q1, _, _) = divmod(nl, nh, dl, dh);
    unsafe { out.write(q0); out.add(1).write(q1) }
}
#[no_mangle]
#[inline(never)]
pub unsafe fn __sbf_urem128(out: *mut u64, nl: u64, nh: u64, dl: u64, dh: u64) {
    let (_, _, r0, r1) = divmod(nl, nh, dl, dh);
    unsafe { out.write(r0); out.add(1).write(r1) }
}
