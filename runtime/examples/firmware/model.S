/* The model in flash: the file MODEL as it is. The file that `python export/to_c.py --header` writes would do as well. */
    .section .model, "a"
    .balign 16
    .global model_begin, model_end
model_begin:
    .incbin MODEL
model_end:
