/* The Python module edgetext_native: a model of runtime/c/edgetext.c, in the stable ABI of Python 3.10 and later. */

/* The sizes are those of the machine that this is compiled for, not of the Python whose headers are used. */
#define Py_PYCONFIG_H
#define SIZEOF_SHORT __SIZEOF_SHORT__
#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define HAVE_STDARG_PROTOTYPES 1
#define HAVE_LONG_LONG 1

#define Py_LIMITED_API 0x030A0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "edgetext.h"

#define FEW 21 /* labels for which no memory is allocated */

typedef struct {
    PyObject_HEAD PyObject *block; /* bytes, which the model reads */
    edgetext model;
} Model;

static PyObject *new_model(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *block;
    Model *self;
    char *bytes;
    Py_ssize_t size;
    int error;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    (void)names;
    if (!PyArg_ParseTuple(arguments, "S:Model", &block) || PyBytes_AsStringAndSize(block, &bytes, &size) < 0)
        return NULL;
    self = (Model *)allocate(type, 0);
    if (!self) return NULL;
    Py_INCREF(block);
    self->block = block;
    error = edgetext_open(&self->model, bytes, (size_t)size);
    if (error != EDGETEXT_OK) {
        PyErr_SetString(PyExc_ValueError, edgetext_error(error));
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void free_model(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    Py_XDECREF(((Model *)self)->block);
    release(self);
    Py_DECREF(type);
}

/* Return a list of numbers, and the share of known words. */
static PyObject *make_answer(const double *probabilities, size_t count, double known)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    size_t index;
    for (index = 0; list && index < count; index++) {
        PyObject *number = PyFloat_FromDouble(probabilities[index]);
        if (!number)
            Py_CLEAR(list);
        else
            PyList_SetItem(list, (Py_ssize_t)index, number);
    }
    return list ? Py_BuildValue("(Nd)", list, known) : NULL;
}

static PyObject *score(PyObject *self, PyObject *text)
{
    const edgetext *model = &((Model *)self)->model;
    size_t count = edgetext_labels(model);
    double few[FEW], known, *probabilities = few;
    int32_t *scratch = NULL;
    PyObject *encoded = NULL, *answer = NULL;
    Py_ssize_t length;
    const char *bytes;
    if (!PyUnicode_Check(text)) return PyErr_Format(PyExc_TypeError, "a text must be a str, not %R", Py_TYPE(text));
    bytes = PyUnicode_AsUTF8AndSize(text, &length);
    if (!bytes) { /* it has lone surrogates */
        PyErr_Clear();
        encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
        if (!encoded || PyBytes_AsStringAndSize(encoded, (char **)&bytes, &length) < 0) goto end;
    }
    if (count > FEW) {
        probabilities = PyMem_Malloc(count * sizeof *probabilities);
        scratch = PyMem_Malloc(EDGETEXT_SCRATCH(count) * sizeof *scratch);
        if (!probabilities || !scratch) {
            PyErr_NoMemory();
            goto end;
        }
    }
    edgetext_score(model, bytes, (size_t)length, probabilities, scratch, &known);
    answer = make_answer(probabilities, count, known);
end:
    if (count > FEW) {
        PyMem_Free(probabilities);
        PyMem_Free(scratch);
    }
    Py_XDECREF(encoded);
    return answer;
}

static PyMethodDef methods[] = {
    {"score", score, METH_O, "Return the probability of every label of a text, and the share of known words."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_model},
    {Py_tp_dealloc, (void *)free_model},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Model(block): a model in a block of bytes; ValueError if it is none."},
    {0, NULL},
};
static PyType_Spec spec = {"edgetext_native.Model", sizeof(Model), 0, Py_TPFLAGS_DEFAULT, slots};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "edgetext_native", "Models of edgetext in C.", -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_edgetext_native(void);
PyMODINIT_FUNC PyInit_edgetext_native(void)
{
    PyObject *module = PyModule_Create(&definition), *type = PyType_FromSpec(&spec);
    if (module && type && PyModule_AddObject(module, "Model", type) == 0 &&
        PyModule_AddStringConstant(module, "__version__", EDGETEXT_VERSION) == 0)
        return module;
    Py_XDECREF(module);
    return NULL;
}
