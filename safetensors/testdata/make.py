"""Writes the golden files of this folder with the reference implementation: python3 make.py. They were made by
safetensors 0.8.0 and NumPy 2.4.6. Of metadata with several members the reference writes the order anew each time.
"""
import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

kinds = {"f8": "<f8", "f4": "<f4", "f2": "<f2", "i8": "<i8", "i4": "<i4", "i2": "<i2", "i1": "i1",
         "u8": "<u8", "u4": "<u4", "u2": "<u2", "u1": "u1", "b1": "?"}
tensors = {kind: np.arange(3).astype(code) for kind, code in kinds.items()}
tensors["bf2"] = np.arange(3).astype(ml_dtypes.bfloat16)
save_file(tensors, "types.safetensors")
save_file({"scalar": np.array(2.5, "f4"), "empty": np.zeros((0, 3), "f4"), "z": np.ones((2, 2), "f4"),
           'odd "name"\\\u2028\x01\u00e9\n': np.zeros(1, "u1")}, "names.safetensors", metadata={"format": "p\tt"})
save_file({}, "nothing.safetensors")
