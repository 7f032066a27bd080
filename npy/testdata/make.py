"""Writes the golden files of this folder with NumPy: python3 make.py. They were made by NumPy 2.4.6.

Element i of 12, in the order of C, is i - 3 for signed types, i / 4 - 0.5 for floats, i for unsigned ones and the
parity of i for bool.
"""
import numpy as np

count = np.arange(12)
values = {"f": count / 4 - 0.5, "i": count - 3, "u": count, "b": count % 2}
for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
    for order in "<>":
        for layout in "CF":
            a = np.asarray(values[kind[0]].reshape(2, 3, 2), dtype=order + kind, order=layout)
            name = f"{kind}-{'little' if order == '<' else 'big'}-{layout}.npy"
            np.save(name, a)
np.save("scalar.npy", np.float64(2.5))
np.save("vector.npy", np.arange(5, dtype="<i4"))
np.save("empty.npy", np.zeros((0, 3), "<f4"))
np.save("many.npy", np.zeros((1,) * 64, "u1"))
for version in [(2, 0), (3, 0)]:
    with open(f"version{version[0]}.npy", "wb") as f:
        np.lib.format.write_array(f, np.arange(5, dtype="<i4"), version=version)
np.save("structured.npy", np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))
np.save("complex.npy", np.zeros(2, dtype="<c8"))
named = {"weight": np.arange(6, dtype="<f4").reshape(2, 3), "bias": np.arange(1000, dtype=">i2") % 3}
np.savez("stored.npz", **named)
np.savez_compressed("deflated.npz", **named)
