; ModuleID = 'i128'  (the linker knows the format of a file by this beginning)
; The 128-bit arithmetic that the bpf target calls by name, by value in LLVM 23's calling convention. Multiplication is
; here; division goes to division.rs through pointers, because the two sides are compiled by different LLVM versions.
target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"
target triple = "bpfel"
declare void @__sbf_udiv128(ptr, i64, i64, i64, i64)
declare void @__sbf_urem128(ptr, i64, i64, i64, i64)
define i128 @__multi3(i128 %a, i128 %b) nounwind {
  %al = trunc i128 %a to i64
  %ash = lshr i128 %a, 64
  %ah = trunc i128 %ash to i64
  %bl = trunc i128 %b to i64
  %bsh = lshr i128 %b, 64
  %bh = trunc i128 %bsh to i64
  %a0 = and i64 %al, 4294967295
  %a1 = lshr i64 %al, 32
  %b0 = and i64 %bl, 4294967295
  %b1 = lshr i64 %bl, 32
  %p00 = mul i64 %a0, %b0
  %p01 = mul i64 %a0, %b1
  %p10 = mul i64 %a1, %b0
  %p11 = mul i64 %a1, %b1
  %c0x = lshr i64 %p00, 32
  ; opaque to LLVM, which would otherwise fold this ladder back into an i128 mul (= a call to ourselves)
  %c0 = call i64 asm "", "=r,0"(i64 %c0x)
  %mid = add i64 %p10, %c0
  %midl = and i64 %mid, 4294967295
  %midh = lshr i64 %mid, 32
  %mid2 = add i64 %p01, %midl
  %mid2h = lshr i64 %mid2, 32
  %lo = mul i64 %al, %bl
  %h1 = add i64 %p11, %midh
  %h2 = add i64 %h1, %mid2h
  %x1 = mul i64 %ah, %bl
  %x2 = mul i64 %al, %bh
  %h3 = add i64 %h2, %x1
  %hi = add i64 %h3, %x2
  %loz = zext i64 %lo to i128
  %hiz = zext i64 %hi to i128
  %his = shl i128 %hiz, 64
  %r = or i128 %loz, %his
  ret i128 %r
}
define i128 @__udivti3(i128 %n, i128 %d) nounwind {
  %p = alloca i128, align 16
  %nl = trunc i128 %n to i64
  %nsh = lshr i128 %n, 64
  %nh = trunc i128 %nsh to i64
  %dl = trunc i128 %d to i64
  %dsh = lshr i128 %d, 64
  %dh = trunc i128 %dsh to i64
  call void @__sbf_udiv128(ptr %p, i64 %nl, i64 %nh, i64 %dl, i64 %dh)
  %r = load i128, ptr %p, align 16
  ret i128 %r
}
define i128 @__umodti3(i128 %n, i128 %d) nounwind {
  %p = alloca i128, align 16
  %nl = trunc i128 %n to i64
  %nsh = lshr i128 %n, 64
  %nh = trunc i128 %nsh to i64
  %dl = trunc i128 %d to i64
  %dsh = lshr i128 %d, 64
  %dh = trunc i128 %dsh to i64
  call void @__sbf_urem128(ptr %p, i64 %nl, i64 %nh, i64 %dl, i64 %dh)
  %r = load i128, ptr %p, align 16
  ret i128 %r
}
define i128 @__divti3(i128 %n, i128 %d) nounwind {
  %ns = ashr i128 %n, 127
  %ds = ashr i128 %d, 127
  %nx = xor i128 %n, %ns
  %na = sub i128 %nx, %ns
  %dx = xor i128 %d, %ds
  %da = sub i128 %dx, %ds
  %q = call i128 @__udivti3(i128 %na, i128 %da)
  %s = xor i128 %ns, %ds
  %qx = xor i128 %q, %s
  %r = sub i128 %qx, %s
  ret i128 %r
}
define i128 @__modti3(i128 %n, i128 %d) nounwind {
  %ns = ashr i128 %n, 127
  %ds = ashr i128 %d, 127
  %nx = xor i128 %n, %ns
  %na = sub i128 %nx, %ns
  %dx = xor i128 %d, %ds
  %da = sub i128 %dx, %ds
  %m = call i128 @__umodti3(i128 %na, i128 %da)
  %mx = xor i128 %m, %ns
  %r = sub i128 %mx, %ns
  ret i128 %r
}
